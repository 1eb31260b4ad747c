import { redisBroker } from 'nestjs-simple-sse/redis';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { change } from '../room-changes/room-changes-app.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { balancedChat, BalancedChatController } from './code/balanced-chat.js';

const ANN = { headers: { 'x-user': 'ann' } };
const session = 'page-0123456789abcdef';

describeWithRedis('the recipe of a chat behind a balancer, on two nodes', () => {
  let server: RedisServer;
  let one: RunningApp;
  let two: RunningApp;

  beforeAll(async () => {
    server = await RedisServer.start();
    const chat = () =>
      sseApp({
        controllers: [BalancedChatController],
        options: { ...balancedChat, broker: redisBroker({ url: server.url }) },
      });
    [one, two] = [await express.start(chat()), await fastify.start(chat())];
  });
  afterAll(async () => {
    await Promise.all([one.close(), two.close()]);
    await server.dispose();
  });

  it('joins a chat by the other node, and is in it again when the stream comes back to that one', async () => {
    const stream = await one.listen(`/events?session=${session}`, ANN);
    await stream.nextEvent({ control: true });
    const { body } = await change(two, 'rooms', { session, join: ['chats/all', 'chats/bob'] }, ANN);
    expect(body).toEqual({
      joined: ['chats/all'],
      left: [],
      refused: [{ room: 'chats/bob', status: 403, message: 'Forbidden' }],
    });
    await change(two, 'chats/all/messages', { text: 'live' }, ANN);
    const said = async (from: typeof stream) => {
      for (;;) {
        const event = await from.nextEvent();
        if (event.event === 'said') return event;
      }
    };
    const { data, id = '' } = await said(stream);
    expect(JSON.parse(data)).toEqual({ from: 'ann', text: 'live' });
    stream.close();
    await change(one, 'chats/all/messages', { text: 'missed' }, ANN);
    const headers = { ...ANN.headers, 'last-event-id': id };
    const back = await two.listen(`/events?session=${session}`, { headers });
    expect(JSON.parse((await said(back)).data)).toEqual({ from: 'ann', text: 'missed' });
    const present = await fetch(`${one.url}/chats/all/present`, ANN);
    expect(await present.json()).toMatchObject([{ user: 'ann' }]);
    expect((await change(one, 'chats/bob/messages', { text: 'no' }, ANN)).status).toBe(403);
  });
});
