import { HashedPartitions } from '../support/hashed-partitions.js';
import { fastify } from '../support/platforms.js';
import { eventually, within } from '../support/within.js';
import { changesIn, presenceApp, membersIn } from './presence-app.js';

describe('presence with a broker of several partitions', () => {
  it('is correct in each room, and disconnect reaches the clients of all rooms', async () => {
    const broker = new HashedPartitions(4);
    const running = await fastify.start(presenceApp({ broker, presenceGraceMs: false }));
    const rooms = Array.from({ length: 12 }, (_, n) => `chat-${n}`);
    expect(new Set(rooms.map((room) => broker.partitionOf(room))).size).toBe(4);
    const streams = await Promise.all(rooms.map((room) => running.listen(`/rooms/${room}?user=7`)));
    for (const [n, room] of rooms.entries()) {
      expect(await membersIn(running, room)).toEqual(['7 1']);
      await eventually(
        () => streams[n] !== undefined && changesIn(streams[n]).join() === 'join 7',
        'the join',
      );
    }
    await running.sse.leave({ user: 7 }, 'chat-0');
    expect(await membersIn(running, 'chat-0')).toEqual([]);
    await running.sse.disconnect({ user: 7 });
    await within(Promise.all(streams.map(({ ended }) => ended)), 'the end of all streams');
    for (const room of rooms) expect(await membersIn(running, room)).toEqual([]);
    await running.close();
  });
});
