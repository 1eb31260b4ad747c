import type { SseModuleOptions } from 'nestjs-simple-sse';
import { pause } from '../support/within.js';
import { expectExactly, gapsOf, heardUntil, readyOf, startDesk, textsOf, visitWith } from './resume-desk.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

describe('what cannot be brought back', () => {
  let running: RunningApp;

  const say = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;

  async function untilNow(stream: EventStream, room = 'a'): Promise<ReceivedEvent[]> {
    await say(room, 'now');
    return heardUntil(stream, 'now');
  }

  async function start(options: SseModuleOptions): Promise<void> {
    running = await startDesk(options);
  }

  afterEach(() => running.close());

  it('is one gap for all rooms concerned, without an id, before what is left', async () => {
    await start({ historyMaxEvents: 3 });
    const from = await say('a', 'known');
    for (const n of [1, 2, 3, 4, 5]) {
      await say('a', `a${n}`);
      await say('c', `c${n}`);
    }
    await say('b', 'b1');
    const stream = await visitWith(running, '/in?rooms=a,b,c,quiet', from);
    const heard = await untilNow(stream, 'b');
    expect(readyOf(heard)).toMatchObject({ resumed: 'partial', id: from });
    expect(heard[1]).toMatchObject({ event: 'sse:gap', id: undefined });
    expect(gapsOf(heard)).toEqual([{ rooms: ['a', 'c'], reason: 'trimmed' }]);
    expectExactly(heard, ['a3', 'c3', 'a4', 'c4', 'a5', 'c5', 'b1', 'now']);
  });

  it('is announced again where the connection is cut before the position has moved', async () => {
    await start({ historyMaxEvents: 2 });
    const from = await say('a', 'known');
    for (const n of [1, 2, 3]) await say('a', `a${n}`);
    for (let attempt = 0; attempt < 3; attempt++) {
      const stream = await visitWith(running, '/in?rooms=a', from);
      await stream.nextEvent({ control: true });
      expect(await stream.nextEvent({ control: true })).toMatchObject({ event: 'sse:gap', id: undefined });
      stream.close();
    }
  });

  it('is a gap for every room when the memory began anew', async () => {
    await start({});
    const from = await say('a', 'known');
    await running.close();
    await start({});
    await say('a', 'after the restart');
    const stream = await visitWith(running, '/in?rooms=a,b', from);
    const heard = await untilNow(stream);
    expect(readyOf(heard)).toMatchObject({ resumed: 'none', id: undefined });
    expect(heard[1]).toMatchObject({ event: 'sse:gap', id: undefined });
    expect(gapsOf(heard)).toEqual([{ rooms: ['*', 'a', 'b'], reason: 'epoch' }]);
    // The position that follows the gap is the new memory's.
    expectExactly(heard, ['now']);
  });

  it('says nothing where nothing was missed, however little is remembered', async () => {
    await start({ historyMaxEvents: 1 });
    const from = await say('a', 'known');
    await say('elsewhere', 'one');
    await say('elsewhere', 'two');
    const stream = await visitWith(running, '/in?rooms=a,b', from);
    const heard = await untilNow(stream);
    expect(readyOf(heard).resumed).toBe('full');
    expect(gapsOf(heard)).toEqual([]);
    expectExactly(heard, ['now']);
  });

  it('is a gap also when the bytes over all rooms ran out', async () => {
    await start({ historyMaxBytes: 50_000 });
    const from = await say('a', 'known');
    await say('a', 'small');
    await say('b', 'x'.repeat(100_000));
    const stream = await visitWith(running, '/in?rooms=a', from);
    const heard = await untilNow(stream);
    expect(gapsOf(heard)).toEqual([{ rooms: ['a'], reason: 'trimmed' }]);
    expectExactly(heard, ['now']);
  });

  it('is a gap for an expired event, before and after its room is forgotten', async () => {
    await start({ historyMaxAgeMs: 200, rooms: { 'long-*': { historyMaxAgeMs: 600_000 } } });
    const from = await say('long-a', 'known');
    await say('long-a', 'kept');
    await say('short', 'expires');
    const endMs = Date.now() + 2_500;
    let gaps = 0;
    while (Date.now() < endMs) {
      const stream = await visitWith(running, '/in?rooms=long-a,short', from);
      const heard = await untilNow(stream, '*');
      const missed = !textsOf(heard).includes('expires');
      expect(gapsOf(heard).some(({ rooms }) => rooms.includes('short'))).toBe(missed);
      expect(textsOf(heard)).toContain('kept');
      if (missed) gaps++;
      stream.close();
      await pause(50);
    }
    expect(gaps).toBeGreaterThan(5);
  });

  it('is nothing at all with history: false, where no id exists', async () => {
    await start({ history: false });
    expect(await running.sse.broadcast('a', 'before')).toBeUndefined();
    expect(await running.sse.position()).toBeUndefined();
    const stream = await visitWith(running, '/in?rooms=a', '1.00000000.hoejuhuh9i');
    await running.sse.broadcast(['a', 'b'], 'now');
    const heard = await heardUntil(stream, 'now');
    expect(readyOf(heard)).toMatchObject({ resumed: 'none' });
    expect(heard.map(({ event, id }) => [event, id])).toEqual([
      ['sse:ready', undefined],
      ['message', undefined],
    ]);
    expect(stream.rawText).not.toMatch(/^id:/m);
  });

  it('follows the first pattern that fits the room', async () => {
    await start({
      historyMaxEvents: 2,
      rooms: {
        'live-*': { history: false },
        'live-important': { historyMaxEvents: 50 },
        'long-*': { historyMaxEvents: 10 },
        'cursor-*': { volatile: true },
      },
    });
    const from = await say('a', 'known');
    for (let n = 0; n < 5; n++) {
      await say('long-1', `long ${n}`);
      expect(await running.sse.broadcast('live-1', `live ${n}`)).toBeUndefined();
      expect(await running.sse.broadcast('live-important', `important ${n}`)).toBeUndefined();
      expect(await running.sse.broadcast('cursor-1', `cursor ${n}`)).toBeUndefined();
      await say('a', `a ${n}`);
    }
    const stream = await visitWith(running, '/in?rooms=long-1,live-1,live-important,cursor-1,a', from);
    const heard = await untilNow(stream);
    expect(gapsOf(heard)).toEqual([{ rooms: ['a'], reason: 'trimmed' }]);
    const long = Array.from({ length: 5 }, (_, n) => `long ${n}`);
    expectExactly(heard, [...long.slice(0, 4), 'a 3', 'long 4', 'a 4', 'now']);
  });
});
