import fc from 'fast-check';
import { unchecked } from '../../test/support/refusal.js';
import type { SseClient } from '../connection/sse-client.js';
import { RoomMessage } from '../protocol/room-message.js';
import { Room } from './room.js';

/** Replaces a client and records what it is sent. */
class FakeClient {
  readonly connection = {
    tracksPosition: false,
    deliver: (): boolean => this.received++ >= 0 && this.accepts,
  };
  received = 0;
  accepts = true;

  isAmong(excluded: ReadonlySet<unknown>): boolean {
    return excluded.has(this);
  }
}

function message(except?: ReadonlySet<unknown>): RoomMessage {
  const event = { event: 'n', data: '1', serialized: false };
  const delivery = { rooms: ['a'], epoch: 'e', position: 1, replayable: true };
  return new RoomMessage(event, unchecked({ ...delivery, except }));
}

function asClient(fake: FakeClient): SseClient {
  return unchecked(fake);
}

it('has exactly the clients that were added and not deleted, and delivers to each once', () => {
  const step = fc.record({ adds: fc.boolean(), n: fc.nat(3), looks: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const room = new Room('a');
      const fakes = Array.from({ length: 4 }, () => new FakeClient());
      const expected = new Set<FakeClient>();
      for (const { adds, n, looks } of steps) {
        const fake = fakes[n] as FakeClient;
        if (adds) room.add(asClient(fake));
        else room.delete(asClient(fake));
        if (adds) expected.add(fake);
        else expected.delete(fake);
        // Reading the view creates the Set, which later steps must keep in use.
        if (looks) expect([...room.clients]).toEqual([...expected]);
        expect(fakes.map((each) => room.has(asClient(each)))).toEqual(
          fakes.map((each) => expected.has(each)),
        );
        expect(room.isIdle).toBe(expected.size === 0);
      }
      expect(room.receive(message())).toBe(expected.size);
      expect(fakes.map(({ received }) => received)).toEqual(fakes.map((each) => Number(expected.has(each))));
    }),
  );
});

it('counts only the clients that accept an event', () => {
  const room = new Room('a');
  const [refusing, excluded, other] = [new FakeClient(), new FakeClient(), new FakeClient()];
  refusing.accepts = false;
  room.add(asClient(refusing));
  expect(room.receive(message())).toBe(0);
  for (const fake of [excluded, other]) room.add(asClient(fake));
  expect(room.receive(message(new Set([excluded])))).toBe(1);
  expect(excluded.received).toBe(0);
});

it('shows a live view of its clients, from the first client on', () => {
  const room = new Room('a');
  const fakes = [new FakeClient(), new FakeClient()];
  room.add(asClient(fakes[0] as FakeClient));
  const { clients } = room;
  room.add(asClient(fakes[1] as FakeClient));
  expect([...clients]).toEqual(fakes);
  for (const fake of fakes) room.delete(asClient(fake));
  expect(clients.size).toBe(0);
});
