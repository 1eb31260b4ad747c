import { ClientConnection } from '../../src/connection/client-connection.js';
import { SingleCursor } from '../../src/connection/cursor.js';
import { ConnectionServices } from '../../src/connection/connection-services.js';
import { SseClient } from '../../src/connection/sse-client.js';
import { NoopMetrics } from '../../src/metrics/noop-metrics.js';
import { RoomMessage } from '../../src/protocol/room-message.js';
import { Room } from '../../src/rooms/room.js';
import { DEFAULT_OPTIONS } from '../../src/resolve-options.js';
import { unchecked } from '../support/refusal.js';
import type { Batch } from '../../src/connection/queue/batch.js';

const CLIENTS = 5_000;
/** The most clients that one turn of the event loop writes to. */
const MOST_IN_A_TURN = 512;

/** Replaces a response and records what is written to it. */
class FakeWriter {
  readonly isGone = false;
  readonly bufferedBytes = 0;
  readonly session = undefined;
  text = '';
  writes = 0;

  constructor(private readonly onWrite: () => void) {}

  open(): boolean {
    return true;
  }
  attachCloseListener(): void {}
  detachListeners(): void {}
  onceDrained(): void {}
  destroy(): void {}

  write(batch: Batch): boolean {
    this.writes++;
    this.text += batch.bytes.toString();
    this.onWrite();
    return true;
  }
}

describe(`a room of ${CLIENTS} clients`, () => {
  let writers: FakeWriter[];
  let room: Room;
  let written: number;

  function fill(flushIntervalMs: number | false): void {
    const delivery = new ConnectionServices({
      ...DEFAULT_OPTIONS,
      heartbeatIntervalMs: false,
      flushIntervalMs,
      metrics: new NoopMetrics(),
    });
    written = 0;
    room = new Room('lobby');
    writers = Array.from({ length: CLIENTS }, (_, n) => {
      const writer = new FakeWriter(() => written++);
      const client = new SseClient({
        id: `${n}`,
        request: {},
        lastEventId: undefined,
        host: unchecked(undefined),
      });
      const cursor = new SingleCursor({ epoch: 'e', position: 0 });
      client.connection = new ClientConnection(client, unchecked(writer), delivery, cursor);
      client.connection.tracksPosition = true;
      client.connection.open({}, '');
      room.add(client);
      return writer;
    });
  }

  function publish(position: number): void {
    const event = { event: 'n', data: `${position}`, serialized: false };
    room.receive(new RoomMessage(event, { rooms: ['lobby'], epoch: 'e', position, replayable: true }));
  }

  /** Returns the number of clients written to in each turn, until all are. */
  async function turns(): Promise<number[]> {
    const steps: number[] = [];
    let seen = 0;
    for (let all = false; !all; all = written === CLIENTS) {
      await new Promise((resolve) => setImmediate(resolve));
      steps.push(written - seen);
      seen = written;
    }
    return steps;
  }

  it.each([false, 5] as const)(
    'is written to in slices, between which other work runs (flushIntervalMs: %s)',
    async (every) => {
      fill(every);
      publish(1);
      publish(2);
      let timers = 0;
      const timer = setInterval(() => timers++, 1);
      const steps = await turns();
      clearInterval(timer);
      expect(Math.max(...steps)).toBeLessThanOrEqual(MOST_IN_A_TURN);
      expect(steps.filter((step) => step > 0).length).toBeGreaterThanOrEqual(CLIENTS / MOST_IN_A_TURN);
      expect(writers.every(({ writes, text }) => writes === 1 && text === writers[0]?.text)).toBe(true);
    },
  );

  it('receives what is published between the slices in order, in every slice', async () => {
    fill(false);
    let position = 0;
    publish(++position);
    while (position < 20) {
      await new Promise((resolve) => setImmediate(resolve));
      publish(++position);
    }
    const last = /event: n\ndata: 20\nid: .+\n\n$/;
    while (!writers.every(({ text }) => last.test(text)))
      await new Promise((resolve) => setImmediate(resolve));
    const texts = new Set(writers.map(({ text }) => text));
    expect(texts.size).toBe(1);
    const [text = ''] = texts;
    expect(Array.from(text.matchAll(/^data: (\d+)$/gm), ([, n]) => Number(n))).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });
});
