import {
  connectSse,
  type ConnectOptions,
  type SseClientError,
  type SseLive,
} from '../../src/client/index.js';
import { fastify, platforms, type Platform } from '../support/platforms.js';
import { eventually, pause } from '../support/within.js';
import { FaultyProxy } from './faulty-proxy.js';
import { RoomsController, roomsApp, type ChangesBody } from './rooms-app.js';
import type { RunningApp } from '../support/running-app.js';

interface Events {
  said: number;
  headline: number;
}

describe.each(platforms)('rooms of the client on $name', (platform) => {
  let running: RunningApp;
  let proxy: FaultyProxy;
  let live: SseLive<Events>;
  let errors: SseClientError[];
  let gaps: (readonly string[])[];

  async function start(on: Platform = platform): Promise<void> {
    running = await on.start(roomsApp());
    proxy = await FaultyProxy.start(running.url);
  }

  function open(options: ConnectOptions = {}): void {
    errors = [];
    gaps = [];
    live = connectSse<Events>(`${proxy.url}/events`, {
      rooms: { url: '/rooms' },
      maxRetryMs: 50,
      onError: (error) => errors.push(error as SseClientError),
      ...options,
    });
    live.onGap(({ rooms, reason }) => gaps.push([reason, ...rooms]));
  }

  beforeEach(() => start());
  afterEach(async () => {
    live.close();
    proxy.close();
    await running.close();
  });

  const requests = (): readonly ChangesBody[] => running.get(RoomsController).requests;
  const changes = (): unknown[] => requests().map(({ join, leave }) => ({ join, leave }));
  const inRoom = (room: string, count: number): Promise<void> =>
    eventually(() => running.sse.count(room) === count, `${count} in ${room}`);

  it('are joined while the stream is open, and their events reach the listeners of the room alone', async () => {
    open();
    const [seven, nine, all]: number[][] = [[], [], []];
    const chat = live.room('chat/7');
    chat.on('said', (n, { name }) => seven?.push(n, name.length));
    live.room('chat/9').on('said', (n) => nine?.push(n));
    live.on('said', (n) => all?.push(n));
    await chat.joined;
    await running.sse.broadcast('chat/7', 'said', 1);
    await running.sse.broadcast('chat/9', 'said', 2);
    await running.sse.broadcast(['chat/7', 'chat/9'], 'said', 3);
    await running.sse.broadcast('news', 'said', 4);
    await eventually(() => all?.length === 4, 'all events');
    expect([seven, nine, all]).toEqual([
      [1, 4, 3, 4],
      [2, 3],
      [1, 2, 3, 4],
    ]);
    expect(changes()).toEqual([{ join: ['chat/7', 'chat/9'], leave: [] }]);
    expect(errors).toEqual([]);
  });

  it('are left with their last use, and changes of one turn are one request', async () => {
    open();
    const uses = [live.room('chat/7'), live.room('chat/7'), live.room('chat/8')];
    await Promise.all(uses.map(({ joined }) => joined));
    uses[0]?.leave();
    uses[0]?.leave();
    await pause(30);
    expect(running.sse.count('chat/7')).toBe(1);
    uses[1]?.leave();
    uses[2]?.leave();
    const other = live.room('chat/9');
    live.room('chat/10').leave();
    await other.joined;
    await inRoom('chat/7', 0);
    expect(changes()).toEqual([
      { join: ['chat/7', 'chat/8'], leave: [] },
      { join: ['chat/9'], leave: ['chat/7', 'chat/8'] },
    ]);
    const received: number[] = [];
    uses[0]?.on('said', (n) => received.push(n));
    await running.sse.broadcast('chat/7', 'said', 1);
    await pause(30);
    expect(received).toEqual([]);
  });

  it('reject where the server refuses them, and a refusal that nobody waits for is reported', async () => {
    open();
    const [secret, unknown, chat] = [live.room('secret/1'), live.room('no/1'), live.room('chat/7')];
    await expect(secret.joined).rejects.toMatchObject({
      code: 'room-refused',
      status: 403,
      room: 'secret/1',
    });
    await expect(unknown.joined).rejects.toThrow('no/1: There is no no/1 (404)');
    await chat.joined;
    live.room('secret/2');
    await eventually(() => errors.length > 0, 'a report');
    expect(errors.map(({ code, room }) => [code, room])).toEqual([['room-refused', 'secret/2']]);
    expect(requests()).toHaveLength(2);
    // The next use asks again.
    await expect(live.room('secret/1').joined).rejects.toMatchObject({ status: 403 });
  });

  it('reject with the status of a request that is refused as a whole', async () => {
    open();
    running.get(RoomsController).failure = 402;
    await expect(live.room('chat/7').joined).rejects.toMatchObject({ status: 402, code: 'room-refused' });
    expect(requests()).toHaveLength(1);
  });

  it('are asked for again after a failure, without what was left meanwhile', async () => {
    open();
    running.get(RoomsController).failure = 503;
    const [chat, other] = [live.room('chat/7'), live.room('chat/8')];
    await eventually(() => requests().length > 1, 'a second request');
    chat.leave();
    await expect(chat.joined).rejects.toMatchObject({ code: 'left' });
    await pause(60);
    running.get(RoomsController).failure = undefined;
    await other.joined;
    expect(changes().at(-1)).toEqual({ join: ['chat/8'], leave: ['chat/7'] });
    expect(running.sse.count('chat/7')).toBe(0);
    expect(errors).toEqual([]);
  });

  it('are never asked for if they are left before the stream opens', async () => {
    proxy.fault = 'reset';
    open();
    const chat = live.room('chat/7');
    await pause(20);
    chat.leave();
    proxy.fault = 'none';
    await live.room('chat/8').joined;
    expect(changes()).toEqual([{ join: ['chat/8'], leave: [] }]);
  });

  it('are resumed with the stream after a cut', async () => {
    open();
    const received: number[] = [];
    const chat = live.room('chat/7');
    chat.on('said', (n) => received.push(n));
    await chat.joined;
    proxy.cut();
    for (let n = 0; n < 5; n++) await running.sse.broadcast('chat/7', 'said', n);
    await eventually(() => received.length === 5, 'all events');
    expect(received).toEqual([0, 1, 2, 3, 4]);
    expect(gaps).toEqual([]);
    expect(requests()).toHaveLength(1);
  });

  it('are joined again after a lost session, and then their gap is reported', async () => {
    open();
    await live.room('chat/7').joined;
    proxy.fault = 'reset';
    proxy.cut();
    await running.close();
    running = await platform.start(roomsApp());
    proxy.target = new URL(running.url);
    proxy.fault = 'none';
    await eventually(() => gaps.some(([reason]) => reason === 'session'), 'the gap');
    expect(running.sse.count('chat/7')).toBe(1);
    expect(gaps.filter(([reason]) => reason === 'session')).toEqual([['session', 'chat/7']]);
    expect(changes()).toEqual([{ join: ['chat/7'], leave: [] }]);
    expect(errors).toEqual([]);
  });
});

describe('rooms of the client', () => {
  it('take a function that sends the changes', async () => {
    const running = await fastify.start(roomsApp());
    const signals: AbortSignal[] = [];
    let failures = 1;
    const live = connectSse(`${running.url}/events?a=1`, {
      maxRetryMs: 50,
      rooms: async (body, signal) => {
        signals.push(signal);
        if (failures-- > 0) throw new Error('no network');
        const answer = await fetch(`${running.url}/rooms`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
        return (await answer.json()) as { refused: [] };
      },
    });
    await live.room('chat/7').joined;
    expect(running.sse.count('chat/7')).toBe(1);
    expect(signals).toHaveLength(2);
    live.close();
    await running.close();
  });

  it('reject when the client is closed, and on a closed client', async () => {
    const running = await fastify.start(roomsApp());
    running.get(RoomsController).failure = 503;
    const live = connectSse(`${running.url}/events`, { rooms: { url: '/rooms' } });
    const { joined } = live.room('chat/7');
    await eventually(() => running.get(RoomsController).requests.length > 0, 'a request');
    live.close();
    await expect(joined).rejects.toMatchObject({ code: 'left' });
    await expect(live.room('chat/8').joined).rejects.toMatchObject({ code: 'left' });
    await running.close();
  });

  it('need the option rooms', () => {
    const live = connectSse('http://127.0.0.1:1/events', { onError: () => {} });
    expect(() => live.room('chat/7')).toThrow('Set the option rooms.');
    live.close();
  });
});
