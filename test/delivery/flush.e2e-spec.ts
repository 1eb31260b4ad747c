import { Socket } from 'node:net';
import { jest } from '@jest/globals';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { someTurns } from '../support/within.js';
import { Door } from './door.js';
import { Hall } from './hall.js';
import { HallController } from './hall.controller.js';
import type { SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

describe.each(platforms)('the flush on $name', (platform) => {
  let running: RunningApp;
  let door: Door;
  let hall: Hall;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    running = await platform.start(
      sseApp({ controllers: [HallController], options: { heartbeatIntervalMs: false, ...options } }),
    );
    door = await Door.open(running);
    hall = new Hall(running, door.connect);
    for (const rooms of [['a'], ['a', 'b'], ['b'], ['a', 'b']]) await hall.enter(...rooms);
    await someTurns(5);
  }

  afterEach(async () => {
    jest.restoreAllMocks();
    await hall.check();
    await hall.leave();
    await door.close();
    await running.close();
  });

  /** What is written to the server's ends, one list for each client. */
  function watchWrites(): () => unknown[][] {
    const spy = jest.spyOn(Socket.prototype, 'write');
    return () =>
      door.sockets.map((socket) =>
        spy.mock.calls.filter((_call, n) => spy.mock.contexts[n] === socket).map(([chunk]) => chunk),
      );
  }

  it('writes all events of one turn at once: one write for each client, the bytes shared', async () => {
    await start();
    const writes = watchWrites();
    for (let n = 0; n < 300; n++) hall.publish(n % 3 === 0 ? 'b' : 'a', 'n', `${n}`);
    expect(writes()).toEqual([[], [], [], []]);
    await hall.caughtUp();
    const [a, ab, b, alike] = writes();
    expect([a, ab, b, alike].map((each) => each?.length)).toEqual([1, 1, 1, 1]);
    expect(alike?.[0]).toBe(ab?.[0]);
  });

  it('of events in several turns is one write a turn', async () => {
    await start();
    const writes = watchWrites();
    for (let turn = 1; turn <= 20; turn++) {
      hall.publish('*', 'n', `${turn}`);
      hall.publish('a', 'n', `${turn}`);
      // Two: the flush of this turn may stand in the next one's queue.
      await someTurns(2);
      expect(writes().map((each) => each.length)).toEqual([turn, turn, turn, turn]);
    }
  });

  it('who hears nothing is not written to', async () => {
    await start();
    const writes = watchWrites();
    for (let n = 0; n < 10; n++) hall.publish('b', 'n', `${n}`);
    await hall.caughtUp();
    expect(writes().map((each) => each.length)).toEqual([0, 1, 1, 1]);
  });

  it('collects the events of many turns until flushIntervalMs is over', async () => {
    await start({ flushIntervalMs: 400 });
    const writes = watchWrites();
    const begun = performance.now();
    let turns = 0;
    // Half of the interval, and at least some turns: whatever the machine does, nothing may be written early.
    while (performance.now() - begun < 200 || turns < 20) {
      hall.publish('*', 'n', `${turns++}`);
      await someTurns(3);
      if (performance.now() - begun < 390) expect(writes().flat()).toEqual([]);
    }
    await hall.caughtUp();
    const counts = writes().map((each) => each.length);
    expect(counts[0]).toBeLessThanOrEqual(Math.ceil((performance.now() - begun) / 400) + 1);
    expect(new Set(counts).size).toBe(1);
  });
});
