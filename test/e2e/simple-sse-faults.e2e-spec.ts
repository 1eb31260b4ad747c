import { testApp, connectClient } from '../support/test.controller.js';
import { allPlatforms, platforms } from '../support/platforms.js';
import { eventually } from '../support/within.js';
import type { ConnectedPair } from '../support/test.controller.js';
import type { RunningApp } from '../support/running-app.js';

describe.each(allPlatforms)('the faults of simple-sse are not repeated on $name:', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(testApp({ options: { heartbeatIntervalMs: 30 } }));
  });
  afterEach(() => running.disconnectAll());
  afterAll(() => running.close());

  it('the response head is sent at once, before any event and any heartbeat', async () => {
    const silent = await platform.start(testApp({ options: { heartbeatIntervalMs: false } }));
    const { stream } = await connectClient(silent);
    expect([stream.status, stream.events]).toEqual([200, []]);
    await silent.close();
  });

  it('the heartbeat starts again after all clients have disconnected', async () => {
    for (let round = 0; round < 3; round++) {
      const [one, two] = [await connectClient(running), await connectClient(running, '/rooms/lobby')];
      await one.stream.receivedComments(2);
      await two.stream.receivedComments(2);
      await running.disconnectAll();
    }
  });

  it('a client that is removed during a broadcast makes no other client miss it', async () => {
    const pairs: ConnectedPair[] = [];
    for (let n = 0; n < 6; n++) pairs.push(await connectClient(running, '/rooms/lobby'));
    const subscription = running.sse.stream('lobby').subscribe(() => {
      if (pairs[0]) running.sse.remove(pairs[0].client);
      pairs[1]?.client.close();
    });
    await running.sse.broadcast('lobby', 'news', 1);
    for (const { stream } of pairs.slice(2)) {
      expect(await stream.nextEvent()).toMatchObject({ event: 'news' });
    }
    subscription.unsubscribe();
    expect(running.sse.count('lobby')).toBe(4);
  });

  it('clients that disconnect during a run of broadcasts make no other client miss one', async () => {
    const pairs: ConnectedPair[] = [];
    for (let n = 0; n < 20; n++) pairs.push(await connectClient(running, '/rooms/lobby'));
    const leaving = pairs.filter((_visitor, n) => n % 2 === 0);
    const staying = pairs.filter((_visitor, n) => n % 2 === 1);
    for (let n = 0; n < 100; n++) {
      if (n % 10 === 5) leaving.pop()?.stream.close();
      await running.sse.broadcast('lobby', String(n));
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    const everything = Array.from({ length: 100 }, (_, n) => String(n));
    for (const { stream } of staying) {
      expect((await stream.nextEvents(100)).map(({ data }) => data)).toEqual(everything);
    }
  });

  it('a client that was removed is sent nothing more, without an error', async () => {
    const { client, stream } = await connectClient(running, '/rooms/lobby');
    running.sse.remove(client);
    expect(await Promise.resolve<unknown>(running.sse.send(client, 'late', 1))).toBe(false);
    await running.sse.broadcast('*', 'late', 1);
    expect(stream.isOpen).toBe(true);
    expect(stream.rawText).not.toContain('late');
  });
});

/** Counts what the module holds, as far as it is visible from outside. */
function held(running: RunningApp): Record<string, unknown> {
  const listeners = running.server
    .eventNames()
    .map((name) => [String(name), running.server.listenerCount(name)]);
  return {
    clients: [...running.sse.clients()].length,
    rooms: [...running.sse.rooms()],
    serverListeners: Object.fromEntries(listeners) as unknown,
    processListeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

describe.each(platforms)('the module after thousands of connects and disconnects on $name', (platform) => {
  it('keeps no client, room, listener or timer', async () => {
    const running = await platform.start(testApp({ options: { heartbeatIntervalMs: 50 } }));
    const { sse } = running;
    const totals = { connected: 0, disconnected: 0 };
    sse.connected$.subscribe(() => totals.connected++);
    sse.disconnected$.subscribe(() => totals.disconnected++);
    await running.listen('/rooms/warm-up');
    await running.disconnectAll();
    const before = held(running);

    const rounds = 50;
    const perRound = 40;
    for (let round = 0; round < rounds; round++) {
      const opening = Array.from({ length: perRound }, (_, n) =>
        running.listen(n % 4 === 0 ? '/plain' : `/rooms/${round}-${n % 8}`),
      );
      const streams = await Promise.all(opening);
      for (const client of sse.clients()) void client.join('everywhere');
      if (round % 10 === 0) await sse.broadcast('everywhere', 'round', round);
      for (const [n, stream] of streams.entries()) if (n % 2 === 0) stream.close();
      for (const client of [...sse.clients()].slice(-5)) client.close();
      await running.disconnectAll();
    }

    await eventually(() => totals.disconnected === rounds * perRound + 1, 'every disconnect');
    expect(totals.connected).toBe(rounds * perRound + 1);
    expect(held(running)).toEqual(before);
    await running.close();
  });
});
