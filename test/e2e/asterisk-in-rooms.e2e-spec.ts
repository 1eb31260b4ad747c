import { Subject } from 'rxjs';
import { PresenceController, presenceApp } from '../presence/presence-app.js';
import type { EventStream } from '../support/event-stream.js';
import { platforms } from '../support/platforms.js';
import { sseRefusal } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { CommandNodes, openReady } from '../redis/command-nodes.js';

/** Data of the events of a stream up to `end`, which goes to all clients. */
async function dataUntilEnd(stream: EventStream): Promise<string[]> {
  const data: string[] = [];
  for (;;) {
    const event = await stream.nextEvent();
    if (event.event === 'end') return data;
    data.push(event.data);
  }
}

describe.each(platforms)('with allowAsteriskInRoomNames: true, on $name', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(
      presenceApp({ allowAsteriskInRoomNames: true, rooms: { 'chat-*': { presence: true } } }),
    );
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('a name with * is one room, and no pattern', async () => {
    const { sse } = running;
    const star = await openReady(running, `/rooms/chat-*?user=7`);
    const seven = await openReady(running, '/rooms/chat-7?user=8');
    const source = new Subject<string>();
    sse.publishFrom('chat-*', source, 'said');
    await sse.broadcast('chat-*', 'said', 'one');
    await sse.to('chat-*').emit('said', 'two');
    source.next('three');
    await sse.send({ room: 'chat-*' }, 'said', 'four');
    await sse.broadcast('chat-7', 'said', 'other');
    await sse.broadcast('*', 'end', 1);
    expect(await dataUntilEnd(star)).toEqual(['one', 'two', 'three', 'four']);
    expect(await dataUntilEnd(seven)).toEqual(['other']);
  });

  it('every call takes such a name', async () => {
    const { sse } = running;
    await openReady(running, `/rooms/chat-*?user=7`);
    const [client] = running.get(PresenceController).clients;
    if (client === undefined) throw new Error('no client');
    expect([...client.rooms]).toEqual(['chat-*']);
    expect(sse.rooms()).toEqual(['chat-*']);
    expect([sse.count('chat-*'), sse.in(client, 'chat-*')]).toEqual([1, true]);
    expect(await sse.presence('chat-*')).toMatchObject([{ user: '7' }]);
    expect(await sse.join(client, 'a*b')).toBe(true);
    expect(await sse.join({ user: 7 }, 'c*d')).toBe(1);
    expect(sse.rooms()).toEqual(['chat-*', 'a*b', 'c*d']);
    sse.leave(client, 'a*b');
    expect(await sse.leave({ user: 7 }, 'c*d')).toBe(1);
    expect(sse.rooms()).toEqual(['chat-*']);
    expect(await sse.disconnect({ room: 'chat-*' })).toBe(1);
  });

  it('* alone is still all clients, and other wrong names are still refused', async () => {
    await openReady(running, '/rooms/a?user=7');
    expect(running.sse.count('*')).toBe(1);
    const { code } = await sseRefusal(() => running.sse.broadcast('a*\n', 'x', 1));
    expect(code).toBe('invalid-room');
  });
});

describeWithRedis('with allowAsteriskInRoomNames: true, over Redis', () => {
  it('a name with * is one room on all nodes', async () => {
    const server = await RedisServer.start();
    const nodes = new CommandNodes({ allowAsteriskInRoomNames: true });
    try {
      const options = { url: server.url };
      const [one, two] = [await nodes.start(options), await nodes.start(options)];
      const star = await openReady(two, `/rooms/chat-*?user=7`);
      const seven = await openReady(two, '/rooms/chat-7?user=8');
      await one.sse.broadcast('chat-*', 'said', 'one');
      await one.sse.broadcast(['chat-*', 'other*'], 'said', 'two');
      expect(await one.sse.join({ room: 'chat-*' }, 'joined*')).toBe(1);
      await one.sse.broadcast('joined*', 'said', 'three');
      await one.sse.broadcast('*', 'end', 1);
      expect(await dataUntilEnd(star)).toEqual(['one', 'two', 'three']);
      expect(await dataUntilEnd(seven)).toEqual([]);
    } finally {
      await nodes.close();
      await server.dispose();
    }
  });
});
