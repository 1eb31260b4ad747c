import { nextEvents, openTestClient, testApp } from '../support/test.controller.js';
import { platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { eventually } from '../support/within.js';
import type { SseClient } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const roomsOf = (client: SseClient): string[] => [...client.rooms].toSorted();

describe.each(platforms)('rooms at run time on $name', (platform) => {
  let running: RunningApp;
  let pair: Awaited<ReturnType<typeof openTestClient>>;

  beforeAll(async () => {
    running = await platform.start(testApp());
  });
  beforeEach(async () => {
    pair = await openTestClient(running);
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it('join resolves true, then false when the client was in already', async () => {
    const { sse } = running;
    expect(await sse.join(pair.client, 'lobby')).toBe(true);
    expect(await sse.join(pair.client, 'lobby')).toBe(false);
    expect(await pair.client.join('lobby')).toBe(false);
    expect(await pair.client.join('kitchen')).toBe(true);
    expect(roomsOf(pair.client)).toEqual(['kitchen', 'lobby']);
    await sse.broadcast('kitchen', 'dinner', 1);
    expect(await pair.stream.next()).toMatchObject({ event: 'dinner' });
  });

  it('a broadcast right after a join that was awaited reaches the client, and one after leave does not', async () => {
    const { sse } = running;
    await sse.join(pair.client, 'lobby');
    await sse.broadcast('lobby', 'in', 1);
    sse.leave(pair.client, 'lobby');
    await sse.broadcast('lobby', 'out', 1);
    await sse.broadcast('*', 'sentinel', 1);
    const events = await nextEvents(pair.stream, 2);
    expect(events.map(({ event }) => event)).toEqual(['in', 'sentinel']);
  });

  it('a number is the room of its decimal string, and 0 is a room like any other', async () => {
    const { sse } = running;
    const { client, stream } = pair;
    expect(await sse.join(client, 0)).toBe(true);
    expect(await sse.join(client, '0')).toBe(false);
    await sse.join(client, 7);
    await sse.join(client, 'lobby');
    expect([sse.in(client, 0), sse.in(client, '0'), sse.in(client, '7')]).toEqual([true, true, true]);
    await sse.broadcast(0, 'zero', 1);
    await sse.broadcast('7', 'seven', 1);
    expect((await nextEvents(stream, 2)).map(({ event }) => event)).toEqual(['zero', 'seven']);
    sse.leave(client, 0);
    expect(roomsOf(client)).toEqual(['7', 'lobby']);
    expect(sse.count(7)).toBe(1);
  });

  it("in(client, '*') is always true, and '*' is never joined", async () => {
    const { sse } = running;
    expect(sse.in(pair.client, '*')).toBe(true);
    expect(pair.client.in('*')).toBe(true);
    expect(await sse.join(pair.client, '*')).toBe(false);
    expect(roomsOf(pair.client)).toEqual([]);
    expect([...sse.rooms()]).toEqual([]);
  });

  it('in() is false for a value that is no room, whatever rooms exist', async () => {
    const { sse } = running;
    await sse.join(pair.client, 'true');
    for (const wrong of [NaN, null, undefined, true].map(unchecked<string>)) {
      expect([sse.in(pair.client, wrong), pair.client.in(wrong)]).toEqual([false, false]);
    }
  });

  it.each(['user/undefined', 'null', 'NaN/a', 'user-undefined', '[object Promise]'])(
    'a room with a part that has no value is refused: %j',
    async (room) => {
      const { sse } = running;
      for (const call of [
        () => sse.join(pair.client, room),
        () => pair.client.join(room),
        () => sse.broadcast(room, 'x', 1),
        () => sse.broadcast(['fine', room], 'x', 1),
      ]) {
        expect(await sseRefusal(call)).toMatchObject({ code: 'invalid-room' });
      }
      expect([...sse.rooms()]).toEqual([]);
    },
  );

  it("leave(client, '*') leaves every room, and the connection stays", async () => {
    const { sse } = running;
    for (const room of ['lobby', 'kitchen', 0]) await sse.join(pair.client, room);
    sse.leave(pair.client, '*');
    expect(roomsOf(pair.client)).toEqual([]);
    expect([...sse.rooms()]).toEqual([]);
    await sse.broadcast('*', 'still here', 1);
    expect(await pair.stream.next()).toMatchObject({ event: 'still here' });
  });

  it('leave does nothing for a room that the client is not in', async () => {
    running.sse.leave(pair.client, 'never joined');
    pair.client.leave('never joined');
    expect(roomsOf(pair.client)).toEqual([]);
  });

  it.each(['', undefined, null, NaN, {}, true])('%p is refused as a room with an SseError', async (room) => {
    const { sse } = running;
    const wrong = unchecked<string>(room);
    await sseRefusal(() => sse.join(pair.client, wrong));
    await sseRefusal(() => sse.leave(pair.client, wrong));
    await sseRefusal(() => sse.broadcast(wrong, 'event', 1));
    await sseRefusal(() => sse.broadcast(['lobby', wrong], 'event', 1));
    expect([...sse.rooms()]).toEqual([]);
  });

  it('clients, rooms and count return the current members', async () => {
    const { sse } = running;
    const other = await openTestClient(running, '/rooms/lobby');
    await sse.join(pair.client, 'lobby');
    await sse.join(pair.client, 'kitchen');
    expect([...sse.rooms()].toSorted()).toEqual(['kitchen', 'lobby']);
    expect([sse.count(), sse.count('*'), sse.count('lobby'), sse.count('kitchen')]).toEqual([2, 2, 2, 1]);
    expect([sse.count('empty'), [...sse.clients('empty')]]).toEqual([0, []]);
    expect(new Set(sse.clients('lobby'))).toEqual(new Set([pair.client, other.client]));
    expect([...sse.clients('kitchen')]).toEqual([pair.client]);
    expect(new Set(sse.clients())).toEqual(new Set([pair.client, other.client]));
    expect(new Set(sse.clients('*'))).toEqual(new Set([pair.client, other.client]));
  });

  it('remove forgets the client and leaves its connection open', async () => {
    const { sse } = running;
    const other = await openTestClient(running, '/rooms/lobby');
    await sse.join(pair.client, 'lobby');
    sse.remove(pair.client);
    expect([sse.count(), sse.count('lobby'), sse.in(pair.client, 'lobby')]).toEqual([1, 1, false]);
    expect([...pair.client.rooms]).toEqual([]);
    await sse.broadcast('lobby', 'for the others', 1);
    expect(await other.stream.next()).toMatchObject({ event: 'for the others' });
    sse.remove(pair.client);
    expect(pair.stream.isOpen).toBe(true);
    expect(pair.stream.text).not.toContain('for the others');
  });

  it('close ends the stream whole, with the reason closed', async () => {
    await running.sse.join(pair.client, 'lobby');
    pair.client.send('last word', 1);
    pair.client.close();
    expect(await pair.stream.end()).toBe('ended');
    expect(pair.stream.events.map(({ event }) => event)).toEqual(['last word']);
    expect(await pair.client.closed).toBe('closed');
    expect(pair.client.signal.aborted).toBe(true);
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
    expect([...running.sse.rooms()]).toEqual([]);
  });

  it('a client that is gone joins nothing and leaves no room behind', async () => {
    await pair.stream.close();
    await pair.client.closed;
    expect(await pair.client.join('lobby').catch(() => false)).toBe(false);
    expect([...running.sse.rooms()]).toEqual([]);
    expect(running.sse.count('lobby')).toBe(0);
  });

  it('each client has an id and a context of its own', async () => {
    const other = await openTestClient(running);
    expect(other.client.id).not.toBe(pair.client.id);
    expect(other.client.context).not.toBe(pair.client.context);
    Object.assign(pair.client.context, { user: 'ada' });
    expect(pair.client.context).toMatchObject({ user: 'ada' });
    expect(other.client.context).not.toHaveProperty('user');
  });
});
