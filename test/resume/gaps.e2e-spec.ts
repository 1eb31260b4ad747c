import type { SseModuleOptions } from 'nestjs-simple-sse';
import { pause } from '../support/within.js';
import {
  expectExactly,
  gapsOf,
  receivedUntil,
  receivedUntilNow,
  readyOf,
  startTestApp,
  textsOf,
  listenFrom,
} from './test-app.js';
import type { RunningApp } from '../support/running-app.js';

describe('an event that cannot be replayed', () => {
  let running: RunningApp;

  const publish = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;

  async function start(options: SseModuleOptions): Promise<void> {
    running = await startTestApp(options);
  }

  afterEach(() => running.close());

  it('is announced by one gap for all its rooms, without an id, before the replay', async () => {
    await start({ historyMaxEvents: 3 });
    const from = await publish('a', 'known');
    for (const n of [1, 2, 3, 4, 5]) {
      await publish('a', `a${n}`);
      await publish('c', `c${n}`);
    }
    await publish('b', 'b1');
    const stream = await listenFrom(running, '/in?rooms=a,b,c,quiet', from);
    const received = await receivedUntilNow(running, stream, 'b');
    expect(readyOf(received)).toMatchObject({ resumed: 'partial', id: from });
    expect(received[1]).toMatchObject({ event: 'sse:gap', id: undefined });
    expect(gapsOf(received)).toEqual([{ rooms: ['a', 'c'], reason: 'trimmed' }]);
    expectExactly(received, ['a3', 'c3', 'a4', 'c4', 'a5', 'c5', 'b1', 'now']);
  });

  it('is announced again where the connection is cut before the client has a newer position', async () => {
    await start({ historyMaxEvents: 2 });
    const from = await publish('a', 'known');
    for (const n of [1, 2, 3]) await publish('a', `a${n}`);
    for (let attempt = 0; attempt < 3; attempt++) {
      const stream = await listenFrom(running, '/in?rooms=a', from);
      await stream.nextEvent({ control: true });
      expect(await stream.nextEvent({ control: true })).toMatchObject({ event: 'sse:gap', id: undefined });
      stream.close();
    }
  });

  it('is announced by a gap in every room after the broker has a new epoch', async () => {
    await start({});
    const from = await publish('a', 'known');
    await running.close();
    await start({});
    await publish('a', 'after the restart');
    const stream = await listenFrom(running, '/in?rooms=a,b', from);
    const received = await receivedUntilNow(running, stream);
    expect(readyOf(received)).toMatchObject({ resumed: 'none', id: undefined });
    expect(received[1]).toMatchObject({ event: 'sse:gap', id: undefined });
    expect(gapsOf(received)).toEqual([{ rooms: ['*', 'a', 'b'], reason: 'epoch' }]);
    // The position that follows the gap is of the new epoch.
    expectExactly(received, ['now']);
  });

  it('is not announced to a client that missed nothing, however short the history is', async () => {
    await start({ historyMaxEvents: 1 });
    const from = await publish('a', 'known');
    await publish('elsewhere', 'one');
    await publish('elsewhere', 'two');
    const stream = await listenFrom(running, '/in?rooms=a,b', from);
    const received = await receivedUntilNow(running, stream);
    expect(readyOf(received).resumed).toBe('full');
    expect(gapsOf(received)).toEqual([]);
    expectExactly(received, ['now']);
  });

  it('is announced by a gap where the limit of bytes over all rooms was reached', async () => {
    await start({ historyMaxBytes: 50_000 });
    const from = await publish('a', 'known');
    await publish('a', 'small');
    await publish('b', 'x'.repeat(100_000));
    const stream = await listenFrom(running, '/in?rooms=a', from);
    const received = await receivedUntilNow(running, stream);
    expect(gapsOf(received)).toEqual([{ rooms: ['a'], reason: 'trimmed' }]);
    expectExactly(received, ['now']);
  });

  it('is announced by a gap where it has expired, before and after the history of its room is dropped', async () => {
    await start({ historyMaxAgeMs: 200, rooms: { 'long-*': { historyMaxAgeMs: 600_000 } } });
    const from = await publish('long-a', 'known');
    await publish('long-a', 'replayable');
    await publish('short', 'expires');
    const endMs = Date.now() + 2_500;
    let gaps = 0;
    while (Date.now() < endMs) {
      const stream = await listenFrom(running, '/in?rooms=long-a,short', from);
      const received = await receivedUntilNow(running, stream, '*');
      const missed = !textsOf(received).includes('expires');
      expect(gapsOf(received).some(({ rooms }) => rooms.includes('short'))).toBe(missed);
      expect(textsOf(received)).toContain('replayable');
      if (missed) gaps++;
      stream.close();
      await pause(50);
    }
    expect(gaps).toBeGreaterThan(5);
  });

  it('is not announced without history, where no event has an id', async () => {
    await start({ history: false });
    expect(await running.sse.broadcast('a', 'before')).toBeUndefined();
    expect(await running.sse.position()).toBeUndefined();
    const stream = await listenFrom(running, '/in?rooms=a', '1.00000000.hoejuhuh9i');
    await running.sse.broadcast(['a', 'b'], 'now');
    const received = await receivedUntil(stream, 'now');
    expect(readyOf(received)).toMatchObject({ resumed: 'none' });
    expect(received.map(({ event, id }) => [event, id])).toEqual([
      ['sse:ready', undefined],
      ['message', undefined],
    ]);
    expect(stream.rawText).not.toMatch(/^id:/m);
  });

  it('depends on the first pattern in the options that matches the room', async () => {
    await start({
      historyMaxEvents: 2,
      rooms: {
        'live-*': { history: false },
        'live-important': { historyMaxEvents: 50 },
        'long-*': { historyMaxEvents: 10 },
        'cursor-*': { volatile: true },
      },
    });
    const from = await publish('a', 'known');
    for (let n = 0; n < 5; n++) {
      await publish('long-1', `long ${n}`);
      expect(await running.sse.broadcast('live-1', `live ${n}`)).toBeUndefined();
      expect(await running.sse.broadcast('live-important', `important ${n}`)).toBeUndefined();
      expect(await running.sse.broadcast('cursor-1', `cursor ${n}`)).toBeUndefined();
      await publish('a', `a ${n}`);
    }
    const stream = await listenFrom(running, '/in?rooms=long-1,live-1,live-important,cursor-1,a', from);
    const received = await receivedUntilNow(running, stream);
    expect(gapsOf(received)).toEqual([{ rooms: ['a'], reason: 'trimmed' }]);
    const long = Array.from({ length: 5 }, (_, n) => `long ${n}`);
    expectExactly(received, [...long.slice(0, 4), 'a 3', 'long 4', 'a 4', 'now']);
  });
});
