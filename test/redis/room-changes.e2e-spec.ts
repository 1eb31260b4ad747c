import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { change, openPage, pageApp } from '../room-changes/room-changes-app.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { received } from './command-nodes.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

describeWithRedis.each<{ driver: RedisDriverName; partitions: number }>([
  { driver: 'redis', partitions: 1 },
  { driver: 'ioredis', partitions: 3 },
])('a route with @SseRoomChanges() of two nodes over $driver with $partitions partitions', (options) => {
  let server: RedisServer;
  let one: RunningApp;
  let two: RunningApp;

  beforeEach(async () => {
    server = await RedisServer.start();
    const module = () => pageApp({ broker: redisBroker({ url: server.url, ...options }) });
    [one, two] = [await express.start(module()), await fastify.start(module())];
  });
  afterEach(async () => {
    await Promise.all([one.close(), two.close()]);
    await server.dispose();
  });

  it('is served by either node: every event published after the answer arrives once, until the room is left', async () => {
    const { stream, client } = await openPage(one, '?user=ann');
    const expected: string[] = [];
    for (let round = 0; round < 10; round++) {
      const room = `open/${round}`;
      const body = { client, join: [room], leave: [`open/${round - 1}`] };
      const { status } = await change([two, one][round % 2] as RunningApp, 'rooms?user=ann', body);
      expect(status).toBe(200);
      await (round % 3 === 0 ? one : two).sse.broadcast([room, `open/${round - 1}`], 'said', `${round}`);
      await two.sse.broadcast(`open/${round - 1}`, 'said', 'after the leave');
      expected.push(`${round}`);
    }
    await one.sse.broadcast('all', 'said', 'end');
    expect((await stream.nextEvents(expected.length + 1)).map(({ data }) => data)).toEqual([
      ...expected,
      'end',
    ]);
    expect(received(stream)).toEqual([...expected, 'end']);
  });

  it('joins 100 rooms of another node with one command, and says which it refuses', async () => {
    const { client } = await openPage(one, '?user=ann');
    const join = Array.from({ length: 100 }, (_, index) => `${index % 2 === 0 ? 'open' : 'closed'}/${index}`);
    const { body } = await change(two, 'rooms?user=ann', { client, join });
    expect(body).toMatchObject({ joined: join.filter((room) => room.startsWith('open/')), left: [] });
    expect((body as { refused: unknown[] }).refused).toHaveLength(50);
    expect(one.sse.rooms()).toHaveLength(51);
  });

  it('answers 404 to another user on either node, and to an unknown stream', async () => {
    const { client } = await openPage(one, '?user=ann');
    const body = { join: ['open/1'], leave: ['all'] };
    const answers = await Promise.all([
      change(one, 'rooms?user=eve', { client, ...body }),
      change(two, 'rooms?user=eve', { client, ...body }),
      change(two, 'rooms', { client, ...body }),
      change(two, 'rooms?user=ann', { client: client.replace(/^./, '0').replace(/.$/, '0'), ...body }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    expect(one.sse.rooms()).toEqual(['all']);
  });

  it('answers 503 and tells nothing of the nodes while Redis cannot be reached', async () => {
    const { client } = await openPage(one, '?user=ann');
    await server.kill();
    const { status, body } = await change(two, 'rooms?user=ann', { client, join: ['open/1'] });
    expect([status, body]).toEqual([
      503,
      {
        statusCode: 503,
        error: 'Service Unavailable',
        message: 'The rooms may be changed or not. Send the request again.',
      },
    ]);
  });
});
