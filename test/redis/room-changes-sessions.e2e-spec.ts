import { NotFoundException } from '@nestjs/common';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { change, openPage, pageApp } from '../room-changes/room-changes-app.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const SESSION = 'page-0123456789abcdef';
const STREAM = `?user=ann&session=${SESSION}`;

describeWithRedis('a route with @SseRoomChanges() of two nodes, for a stream with a session,', () => {
  let server: RedisServer;
  let one: RunningApp;
  let two: RunningApp;

  beforeEach(async () => {
    server = await RedisServer.start();
    const module = () =>
      pageApp({
        broker: redisBroker({ url: server.url }),
        sessions: { maxRooms: 3 },
        authorizeRoom: (_client, room) => {
          if (room === 'open/secret') return false;
          if (room === 'open/gone') throw new NotFoundException('no such room');
          return true;
        },
      });
    [one, two] = [await express.start(module()), await fastify.start(module())];
  });
  afterEach(async () => {
    await Promise.all([one.close(), two.close()]);
    await server.dispose();
  });

  it.each(['session', 'client'])(
    'named by its %s: a joined room is still there after a reconnect to the other node, with what was missed',
    async (name) => {
      const { stream, client } = await openPage(one, STREAM);
      const body = { ...(name === 'client' ? { client } : { session: SESSION }), join: ['open/1', 'open/2'] };
      const answer = await change(two, 'rooms?user=ann', body);
      expect(answer).toEqual({ status: 200, body: { joined: body.join, left: [], refused: [] } });
      await two.sse.broadcast('open/1', 'said', 'live');
      const { id = '' } = await stream.nextEvent();
      stream.close();
      await two.sse.broadcast('open/1', 'said', 'missed');
      const back = await two.listen(`/events${STREAM}`, { headers: { 'last-event-id': id } });
      expect((await back.nextEvent()).data).toBe('missed');
      await one.sse.broadcast('open/2', 'said', 'after');
      expect((await back.nextEvent()).data).toBe('after');
    },
  );

  it('counts between two connections, and joins the room when the stream comes back', async () => {
    const { stream } = await openPage(one, STREAM);
    await change(two, 'rooms?user=ann', { session: SESSION, join: ['open/1'] });
    await one.sse.broadcast('open/1', 'said', 'live');
    const { id = '' } = await stream.nextEvent();
    stream.close();
    await one.disconnectAll();
    const away = await change(two, 'rooms?user=ann', {
      session: SESSION,
      join: ['open/2'],
      leave: ['open/1'],
    });
    expect(away).toEqual({ status: 200, body: { joined: ['open/2'], left: ['open/1'], refused: [] } });
    await one.sse.broadcast('open/1', 'said', 'left');
    await one.sse.broadcast('open/2', 'said', 'missed');
    const back = await two.listen(`/events${STREAM}`, { headers: { 'last-event-id': id } });
    expect((await back.nextEvent()).data).toBe('missed');
  });

  it('asks authorizeRoom too, and refuses a room over the most of a session', async () => {
    await openPage(one, STREAM);
    const join = ['open/secret', 'open/gone', 'open/1'];
    expect((await change(two, 'rooms?user=ann', { session: SESSION, join })).body).toEqual({
      joined: ['open/1'],
      left: [],
      refused: [
        { room: 'open/secret', status: 403, message: 'Forbidden' },
        { room: 'open/gone', status: 403, message: 'Forbidden' },
      ],
    });
    const many = ['open/2', 'open/3', 'open/4'];
    const { body } = await change(two, 'rooms?user=ann', { session: SESSION, join: many });
    expect((body as { joined: unknown[] }).joined).toHaveLength(2);
    expect((body as { refused: { status: number }[] }).refused.map(({ status }) => status)).toEqual([409]);
  });

  it('answers 404 for the session of another user, of nobody, and for an unknown one, and 400 for both names', async () => {
    const { client } = await openPage(one, STREAM);
    const join = ['open/1'];
    const answers = await Promise.all([
      change(two, 'rooms?user=eve', { session: SESSION, join }),
      change(two, 'rooms', { session: SESSION, join }),
      change(two, 'rooms?user=ann', { session: `${SESSION}-`, join }),
      change(two, 'rooms?user=ann', { session: SESSION, client, join }),
      change(two, 'rooms?user=ann', { session: 'short', join }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 400, 400]);
    expect(one.sse.rooms()).toEqual(['all']);
  });
});
