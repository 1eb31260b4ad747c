import type { IncomingMessage, ServerResponse } from 'node:http';
import { Controller, Get, Req, Res } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, SseService } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { within } from '../support/within.js';
import { receivedUntil, readyOf, textsOf, listenFrom } from './test-app.js';
import type { RunningApp } from '../support/running-app.js';

/** Streams without declared rooms: the handler joins rooms, or the code that calls `add`. */
@Controller()
class LateController {
  latest: SseClient | undefined;
  handler: Promise<void> = Promise.resolve();
  onHandler: (() => void) | undefined;

  constructor(private readonly sse: SseService) {}

  @Get('late')
  @SseRoom()
  async late(@ConnectedClient() client: SseClient): Promise<void> {
    this.onHandler?.();
    await this.handler;
    await client.join('a');
  }

  @Get('plain')
  @SseRoom()
  plain(@ConnectedClient() client: SseClient): void {
    this.latest = client;
  }

  @Get('own-ids')
  ownIds(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.latest = this.sse.add(request, response);
    this.sse.send(this.latest, 'mine', 'sent at once', { id: 43 });
  }

  @Get('chat')
  chat(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    void this.sse.add(request, response).join('a', { replay: 2 });
  }

  @Get('added')
  added(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.latest = this.sse.add(request, response);
    this.latest.send('welcome');
    void this.sse.join(this.latest, 'a');
  }

  @Get('rooms-and-chat')
  roomsAndChat(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    void this.sse.add(request, response, { rooms: ['b'] }).join('a', { replay: 2 });
  }
}

/** Streams that get another room from a subscriber of `connected$`. */
@Controller('connected')
class ConnectedController {
  constructor(private readonly sse: SseService) {
    sse.connected$.subscribe(({ client }) => void client.join('a', { replay: 10 }));
  }

  @Get('room')
  @SseRoom('b')
  room(): void {}

  @Get('added')
  added(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.sse.add(request, response);
  }

  @Get('added-room')
  addedRoom(@Req() request: IncomingMessage, @Res() response: ServerResponse): void {
    this.sse.add(request, response, { rooms: ['b'] });
  }
}

describe.each(platforms)('rooms joined in connected$, on $name', (platform) => {
  it.each(['room', 'added', 'added-room'])('follow sse:ready with their replay: %s', async (path) => {
    const running = await platform.start(sseApp({ controllers: [ConnectedController] }));
    for (const text of ['one', 'two']) await running.sse.broadcast('a', text);
    const stream = await running.listen(`/connected/${path}`);
    const received = await receivedUntil(stream, 'two');
    expect(received.map(({ event }) => event)).toEqual(['sse:ready', 'message', 'message']);
    expect(received[0]?.id).toMatch(/^1\./);
    expect(textsOf(received)).toEqual(['one', 'two']);

    // The room is resumed exactly, without its replay.
    const id = await running.sse.broadcast('a', 'three');
    await receivedUntil(stream, 'three');
    await running.sse.broadcast('a', 'four');
    const resumed = await receivedUntil(await listenFrom(running, `/connected/${path}`, id), 'four');
    expect(readyOf(resumed).resumed).toBe('full');
    expect(textsOf(resumed)).toEqual(['four']);
    await running.close();
  });
});

describe.each(platforms)('a stream whose rooms are joined late, on $name', (platform) => {
  let running: RunningApp;
  let controller: LateController;

  beforeEach(async () => {
    running = await platform.start(sseApp({ controllers: [LateController] }));
    controller = running.get(LateController);
  });
  afterEach(() => running.close());

  const publish = async (rooms: string | string[], text: string): Promise<string> =>
    (await running.sse.broadcast(rooms, text)) as string;

  /** Opens `/late`, with an event to all clients while its handler waits. */
  async function openLate(during: string, lastEventId?: string): ReturnType<typeof listenFrom> {
    let release!: () => void;
    controller.handler = new Promise((resolve) => (release = resolve));
    const reached = new Promise<void>((resolve) => (controller.onHandler = resolve));
    const listening = listenFrom(running, '/late', lastEventId);
    await within(reached, 'the handler');
    await publish('*', during);
    release();
    return listening;
  }

  it('resumes a client of `add` that was cut before its first event', async () => {
    const stream = await running.listen('/added');
    const received = await receivedUntil(stream, 'welcome');
    expect(readyOf(received).resumed).toBe('none');
    const first = received[0]?.id;
    expect(first).toMatch(/^1\./);
    stream.close();
    await publish('a', 'missed');
    const resumed = await receivedUntil(await listenFrom(running, '/added', first), 'welcome');
    expect(readyOf(resumed).resumed).toBe('full');
    expect(textsOf(resumed)).toEqual(['missed', 'welcome']);
  });

  it('begins with sse:ready, also with an event to all clients before its handler joins a room', async () => {
    const stream = await openLate('to all');
    await publish('a', 'live');
    const received = await receivedUntil(stream, 'live');
    expect(readyOf(received).resumed).toBe('none');
    expect(textsOf(received)).toEqual(['to all', 'live']);
  });

  it('receives an event to all clients during its handler once when it resumes', async () => {
    const from = await publish('a', 'known');
    await publish('a', 'missed');
    const stream = await openLate('to all', from);
    await publish('a', 'live');
    expect(textsOf(await receivedUntil(stream, 'live'))).toEqual(['missed', 'to all', 'live']);
  });

  it('receives an event in two rooms once, also without an id', async () => {
    const stream = await listenFrom(running, '/plain');
    await controller.latest?.join('a');
    await controller.latest?.join('b');
    await publish(['a', 'b'], 'in both');
    await publish(['b', '*'], 'in one and to all');
    await publish('b', 'last');
    const received = await receivedUntil(stream, 'last');
    expect(received.map(({ data }) => data)).toEqual(['in both', 'in one and to all', 'last']);
    expect(stream.rawText).not.toContain('id:');
  });

  it.each([undefined, '42'])(
    'opened by add() without a room sends the ids of the application, for the last event id %s',
    async (lastEventId) => {
      const stream = await listenFrom(running, '/own-ids', lastEventId);
      await publish('*', 'to all');
      const received = await receivedUntil(stream, 'to all');
      expect(received.map(({ data }) => data)).toEqual(['sent at once', 'to all']);
      expect(stream.rawText.match(/^id: .*$/gm)).toEqual(['id: 43']);
    },
  );

  it('opened by add() and then join({ replay }), receives the missed events and no duplicates', async () => {
    const ids: string[] = [];
    for (let n = 1; n <= 6; n++) ids.push(await publish('a', `no. ${n}`));
    const fresh = await listenFrom(running, '/chat');
    expect(textsOf(await receivedUntil(fresh, 'no. 6'))).toEqual(['no. 5', 'no. 6']);
    const back = await listenFrom(running, '/chat', ids[2]);
    await publish('a', 'live');
    expect(textsOf(await receivedUntil(back, 'live'))).toEqual(['no. 4', 'no. 5', 'no. 6', 'live']);
  });

  it('opened by add() with rooms and then join({ replay }), begins with sse:ready', async () => {
    for (let n = 1; n <= 3; n++) await publish('a', `no. ${n}`);
    const received = await receivedUntil(await listenFrom(running, '/rooms-and-chat'), 'no. 3');
    expect(readyOf(received).resumed).toBe('none');
    expect(textsOf(received)).toEqual(['no. 2', 'no. 3']);
  });
});
