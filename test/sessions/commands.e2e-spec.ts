import { jest } from '@jest/globals';
import { MemoryBroker } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { SessionPage, sessionApp } from './session-app.js';

describe.each(platforms)('a command to a session, on $name', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(sessionApp({ sessions: { maxRooms: 2 } }));
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('joins, sends, leaves and disconnects its stream', async () => {
    const { sse } = running;
    const page = new SessionPage();
    const other = new SessionPage();
    const client = await page.connect(running);
    await other.connect(running);
    const session = page.key;
    expect(await sse.join({ session }, 'chat')).toBe(1);
    await sse.broadcast('chat', '1');
    expect(await sse.send({ session }, 'sent', '2')).toBe(1);
    expect(await page.untilNow(running)).toEqual(['1', '2']);
    // The end of the other page.
    expect(await other.untilNow(running)).toHaveLength(1);
    expect(await sse.leave({ session }, 'chat')).toBe(1);
    expect([...client.rooms]).toEqual(['news']);
    expect(await sse.disconnect({ session })).toBe(1);
    expect(await client.closed).toBe('disconnected');
    expect(await sse.send({ session }, 'sent', '2')).toBe(0);
    expect(await sse.join({ session: 'unknown-0123456789' }, 'chat')).toBe(0);
  });

  it.each(['with an id', 'without an id'])(
    'that joins between two connections counts: the stream comes back %s, and receives all from the join on',
    async (way) => {
      const { sse } = running;
      const page = new SessionPage();
      const first = await page.connect(running);
      await page.untilNow(running);
      await page.cut(first);
      if (way === 'without an id') page.lastEventId = undefined;
      await sse.broadcast('chat', 'before the join');
      expect(await sse.join({ session: page.key }, 'chat')).toBe(1);
      await sse.broadcast('chat', 'after the join');
      await page.connect(running);
      expect(page.ready.restored).toEqual(['chat']);
      expect(await page.untilNow(running)).toEqual(['after the join']);
    },
  );

  it('that leaves between two connections counts, by the session and by the user', async () => {
    const { sse } = running;
    const page = new SessionPage({ user: 'ann' });
    const first = await page.connect(running);
    for (const room of ['a', 'b']) await first.join(room);
    await page.cut(first);
    expect(await sse.leave({ session: page.key }, 'a')).toBe(1);
    expect(await sse.leave({ user: 'ann' }, 'b')).toBe(0);
    await page.connect(running);
    expect(page.ready.restored).toEqual([]);
  });

  it('to a user joins all sessions of the user, also those without an open stream', async () => {
    const pages = [new SessionPage({ user: 'ann' }), new SessionPage({ user: 'ann' })] as const;
    const first = await pages[0].connect(running);
    const second = await pages[1].connect(running);
    await pages[0].cut(first);
    expect(await running.sse.join({ user: 'ann' }, 'chat')).toBe(1);
    await running.sse.broadcast('chat', 'said');
    await pages[0].connect(running);
    expect(await pages[0].untilNow(running)).toEqual(['said']);
    expect(second.in('chat')).toBe(true);
  });

  it('with a user reaches the session of that user only', async () => {
    const ann = new SessionPage({ user: 'ann' });
    const bob = new SessionPage({ user: 'bob', key: ann.key });
    const clients = [await ann.connect(running), await bob.connect(running)] as const;
    const { sse } = running;
    expect(await sse.join({ session: ann.key, user: 'bob' }, 'chat')).toBe(1);
    expect(clients.map((client) => client.in('chat'))).toEqual([false, true]);
    expect(await sse.join({ session: ann.key }, 'all')).toBe(2);
    expect(clients.map((client) => client.in('all'))).toEqual([true, true]);
    expect(await sse.join({ session: ann.key, user: 'eve' }, 'chat')).toBe(0);
  });

  it('for one room more than the session may have rejects, open or not', async () => {
    const page = new SessionPage({ user: 'ann' });
    const client = await page.connect(running);
    for (const room of ['a', 'b']) await client.join(room);
    const full = { code: 'too-many-rooms' };
    await expect(running.sse.join({ session: page.key }, 'c')).rejects.toMatchObject(full);
    await expect(running.sse.join(client.id, 'c')).rejects.toMatchObject(full);
    expect(client.in('c')).toBe(false);
    await page.cut(client);
    await expect(running.sse.join({ session: page.key }, 'c')).rejects.toMatchObject(full);
    await expect(running.sse.join({ user: 'ann' }, 'c')).rejects.toMatchObject(full);
    expect(await running.sse.join({ session: page.key }, 'a')).toBe(1);
  });

  it.each([
    [true, 0],
    [false, 1],
  ])(
    'that changes many rooms makes one call to the store before the stream is changed, and where the store knows the position (%s) reads it %i times',
    async (joinsNow, reads) => {
      const broker = new MemoryBroker();
      Object.assign(broker.sessions, { joinsNow });
      const many = await platform.start(sessionApp({ broker, sessions: { maxRooms: 60 } }));
      const page = new SessionPage();
      const client = await page.connect(many);
      await many.sse.join({ session: page.key }, 'old');
      await page.cut(client);
      const read = jest.spyOn(broker, 'read');
      const change = jest.spyOn(broker.sessions, 'change');
      const join = Array.from({ length: 60 }, (_, n) => `chat/${n}`);
      const { commands } = many.sse.internals;
      const outcome = await commands.changeRooms({ session: page.key }, { join, leave: ['old'] });
      expect(outcome).toEqual({ reached: 1, refused: [] });
      expect([read.mock.calls.length, change.mock.calls.length]).toEqual([reads, 1]);
      expect(await commands.changeRooms({ session: page.key }, { join: ['over'], leave: [] })).toEqual({
        reached: 1,
        refused: [{ room: 'over', status: 409, message: expect.stringContaining('most rooms') as unknown }],
      });
      await page.connect(many);
      expect(page.ready.restored?.toSorted()).toEqual(join.toSorted());
      await many.disconnectAll();
      await many.close();
    },
  );

  it('with a key that is none, a misspelt property or no sessions is refused', async () => {
    const key = 'session-0123456789';
    const targets = [
      { session: 'short' },
      { session: 7 },
      { session: key, room: 'a' },
      { session: key, usr: 1 },
    ];
    for (const target of targets) {
      const refused = await sseRefusal(() => running.sse.join(unchecked<never>(target), 'chat'));
      expect(refused.code).toBe('invalid-arguments');
    }
    const without = await platform.start(sessionApp({ sessions: false }));
    const refused = await sseRefusal(() => without.sse.join({ session: key }, 'chat'));
    expect(refused).toMatchObject({
      code: 'invalid-arguments',
      message: expect.stringContaining('sessions') as unknown,
    });
    await without.close();
  });
});
