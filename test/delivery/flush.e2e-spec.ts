import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { someTurns } from '../support/within.js';
import { UnixSocketListener } from './unix-socket-listener.js';
import { DeliveryHarness } from './delivery-harness.js';
import { DeliveryController } from './delivery.controller.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

describe.each(platforms)('the flush on $name', (platform) => {
  let running: RunningApp;
  let listener: UnixSocketListener;
  let harness: DeliveryHarness;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(
      sseApp({ controllers: [DeliveryController], options: { heartbeatIntervalMs: false, ...options } }),
    );
    listener = await UnixSocketListener.open(running);
    harness = new DeliveryHarness(running, listener.connect);
    for (const rooms of [['a'], ['a', 'b'], ['b'], ['a', 'b']]) await harness.connectClient(...rooms);
    await someTurns(5);
  }

  afterEach(async () => {
    jest.restoreAllMocks();
    await harness.verify();
    await harness.disconnect();
    await listener.close();
    await running.close();
  });

  /** Records the writes to the server's ends of the connections, one list for each client. */
  function watchWrites(): () => unknown[][] {
    const spy = jest.spyOn(Socket.prototype, 'write');
    return () =>
      listener.sockets.map((socket) =>
        spy.mock.calls.filter((_call, n) => spy.mock.contexts[n] === socket).map(([chunk]) => chunk),
      );
  }

  it('writes all events of one turn in one write for each client, and shares their bytes', async () => {
    await start();
    const writes = watchWrites();
    for (let n = 0; n < 300; n++) harness.publish(n % 3 === 0 ? 'b' : 'a', 'n', `${n}`);
    expect(writes()).toEqual([[], [], [], []]);
    await harness.receivedAll();
    const [a, ab, b, alike] = writes();
    expect([a, ab, b, alike].map((each) => each?.length)).toEqual([1, 1, 1, 1]);
    expect(alike?.[0]).toBe(ab?.[0]);
  });

  it('writes once a turn when events come in several turns', async () => {
    await start();
    const writes = watchWrites();
    for (let turn = 1; turn <= 20; turn++) {
      harness.publish('*', 'n', `${turn}`);
      harness.publish('a', 'n', `${turn}`);
      // Two: the flush of this turn may run in the next one.
      await someTurns(2);
      expect(writes().map((each) => each.length)).toEqual([turn, turn, turn, turn]);
    }
  });

  it('writes nothing to a client that no event concerns', async () => {
    await start();
    const writes = watchWrites();
    for (let n = 0; n < 10; n++) harness.publish('b', 'n', `${n}`);
    await harness.receivedAll();
    expect(writes().map((each) => each.length)).toEqual([0, 1, 1, 1]);
  });

  it('collects the events of many turns until flushIntervalMs is over', async () => {
    await start({ flushIntervalMs: 400 });
    const writes = watchWrites();
    const begun = performance.now();
    let turns = 0;
    // Half of the interval, and at least some turns: nothing may be written early, however slow the machine.
    while (performance.now() - begun < 200 || turns < 20) {
      harness.publish('*', 'n', `${turns++}`);
      await someTurns(3);
      if (performance.now() - begun < 390) expect(writes().flat()).toEqual([]);
    }
    await harness.receivedAll();
    const counts = writes().map((each) => each.length);
    expect(counts[0]).toBeLessThanOrEqual(Math.ceil((performance.now() - begun) / 400) + 1);
    expect(new Set(counts).size).toBe(1);
  });
});
