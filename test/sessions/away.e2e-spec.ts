import { Controller, Get } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, type SseService } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { describeWithRedis, RedisServer } from '../redis/redis-server.js';
import { express, platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { SessionController, SessionPage, sessionApp } from './session-app.js';

/** A stream whose handler joins a room before it opens. */
@Controller()
class EarlyController {
  joins = true;

  @Get('early')
  @SseRoom('news')
  async early(@ConnectedClient() client: SseClient): Promise<void> {
    if (this.joins) await client.join('early');
  }
}

type Command = (sse: SseService, page: SessionPage, clientId: string) => Promise<number>;

const isAnn = ({ user }: { user: string }): boolean => user === 'ann';

describe.each(platforms)('a session, on $name,', (platform) => {
  let running: RunningApp;
  let page: SessionPage;

  beforeEach(async () => {
    running = await platform.start(
      sseApp({
        controllers: [SessionController, EarlyController],
        options: {
          identify: ({ request }) => {
            const { user } = (request as { query: { user?: string } }).query;
            return user === undefined ? undefined : { user };
          },
          authorizeRoom: () => true,
          rooms: { 'team/*': { presence: true }, short: { historyMaxEvents: 2 } },
        },
      }),
    );
    page = new SessionPage({ user: 'ann' });
  });
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  /** Joins the page to rooms, and cuts its stream. @returns the id of its client */
  async function leaveStreamIn(...rooms: string[]): Promise<string> {
    const client = await page.connect(running);
    for (const room of rooms) await client.join(room);
    await page.untilNow(running);
    await page.cut(client);
    return client.id;
  }

  it.each<[string, Command]>([
    ['the session', (sse, { key }) => sse.leave({ session: key }, 'team/1')],
    ['the session of the user', (sse, { key }) => sse.leave({ session: key, user: 'ann' }, 'team/1')],
    ['the user', (sse) => sse.leave({ user: 'ann' }, 'team/1')],
    ['the user in this room', (sse) => sse.leave({ user: 'ann', room: 'team/1' }, 'team/1')],
    ['members of this room', (sse) => sse.leave({ room: 'team/1', where: isAnn }, 'team/1')],
  ])('whose stream is away leaves a room by a leave of %s', async (_name, leave) => {
    // Ann is a member by another page.
    const other = new SessionPage({ user: 'ann' });
    const client = await other.connect(running);
    await client.join('team/1');
    const id = await leaveStreamIn('team/1', 'team/2');
    await leave(running.sse, page, id);
    await page.connect(running);
    expect(page.ready.restored).toEqual(['team/2']);
  });

  it.each<[string, Command]>([
    ['join of the client', (sse, _page, id) => sse.join(id, 'late')],
    ['leave of the client', (sse, _page, id) => sse.leave(id, 'team/1')],
    ['join of a room', (sse) => sse.join({ room: 'team/1' }, 'late')],
    ['leave of a room', (sse) => sse.leave({ room: 'team/1' }, 'team/1')],
    ['join of the user in a room', (sse) => sse.join({ user: 'ann', room: 'team/1' }, 'late')],
    ['leave of the user in another room', (sse) => sse.leave({ user: 'ann', room: 'team/2' }, 'team/1')],
    ['send', (sse, { key }) => sse.send({ session: key }, 'sent', 1)],
    ['send to the user', (sse) => sse.send({ user: 'ann' }, 'sent', 1)],
    ['disconnect', (sse, { key }) => sse.disconnect({ session: key })],
    ['reauthorize', (sse) => sse.reauthorize({ user: 'ann' })],
  ])('whose stream is away is not reached by %s', async (_name, command) => {
    const id = await leaveStreamIn('team/1', 'team/2');
    expect(await command(running.sse, page, id)).toBe(0);
    await page.connect(running);
    expect(page.ready).toMatchObject({ resumed: 'full' });
    expect(page.ready.restored?.toSorted()).toEqual(['team/1', 'team/2']);
  });

  it('whose stream was away for longer than the history of a room gets a gap that names the room', async () => {
    await leaveStreamIn('short', 'chat');
    for (const text of ['1', '2', '3', '4']) await running.sse.broadcast('short', text);
    await running.sse.broadcast('chat', '5');
    await page.connect(running);
    expect(page.ready).toMatchObject({ resumed: 'partial' });
    const gap = `gap ${JSON.stringify({ rooms: ['short'], reason: 'trimmed' })}`;
    expect(await page.untilNow(running)).toEqual([gap, '3', '4', '5']);
  });

  it('that is new is announced to a rendered page with a position', async () => {
    const since = await running.sse.position();
    await running.sse.broadcast('news', 'since');
    const stream = await running.listen(`/news?session=${page.key}&user=ann&lastEventId=${since}`);
    const events = [];
    while (events.length < 3) events.push(await stream.nextEvent({ control: true }));
    expect(events.map(({ event, data }) => [event, event === 'sse:ready' ? '' : data])).toEqual([
      ['sse:ready', ''],
      ['sse:gap', JSON.stringify({ rooms: [], reason: 'session' })],
      ['message', 'since'],
    ]);
  });

  it('does not have rooms of the request: joined before the stream opens, or named by it', async () => {
    page = new SessionPage({ user: 'ann', path: '/early' });
    const client = await page.connect(running);
    expect([...client.rooms].toSorted()).toEqual(['early', 'news']);
    for (const room of ['early', 'news']) expect(await client.join(room)).toBe(false);
    await page.untilNow(running);
    await page.cut(client);
    running.get(EarlyController).joins = false;
    const back = await page.connect(running);
    expect(page.ready.restored).toEqual([]);
    expect([...back.rooms]).toEqual(['news']);
  });
});

describeWithRedis('a stream with a session, while Redis cannot be reached,', () => {
  it('opens and waits with sse:ready, and a join rejects', async () => {
    const server = await RedisServer.start(['--appendonly', 'yes', '--appendfsync', 'always']);
    const broker = redisBroker({ url: server.url, publishTimeoutMs: 500, onFailover: 'trust' });
    const running = await express.start(sessionApp({ broker }));
    const page = new SessionPage({ user: 'ann' });
    const client = await page.connect(running);
    await client.join('chat');
    await page.untilNow(running);
    await page.cut(client);
    const other = new SessionPage({ user: 'bob' });
    const open = await other.connect(running);
    await server.kill();
    const unavailable = { code: 'broker-unavailable' };
    await expect(running.sse.join({ session: other.key }, 'a')).rejects.toMatchObject(unavailable);
    await expect(running.sse.join({ user: 'bob' }, 'a')).rejects.toMatchObject(unavailable);
    const opening = page.connect(running);
    const stream = await running.listen(`/news?session=another-page-0123456`);
    expect(stream.events).toEqual([]);
    await server.launch();
    expect((await stream.nextEvent({ control: true })).event).toBe('sse:ready');
    await opening;
    expect(page.ready).toMatchObject({ resumed: 'full', restored: ['chat'] });
    expect(open.isClosed).toBe(false);
    await running.disconnectAll();
    await running.close();
    await server.dispose();
  }, 60_000);
});
