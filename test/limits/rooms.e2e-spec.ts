import { Controller, Get, Req, Res } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, SseService, type SseLimitOptions } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { sseRefusal } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';

const names = (count: number): string[] => Array.from({ length: count }, (_, n) => `room ${n}`);

/** Results of joins in a handler, and the error of `add`. */
let outcomes: unknown[] = [];

@Controller()
class RoomsController {
  constructor(private readonly sse: SseService) {}

  @Get('rooms')
  @SseRoom(({ query }) => names(Number(query['count'])))
  rooms(): void {}

  @Get('joins')
  @SseRoom('room 0')
  async joins(@ConnectedClient() client: SseClient): Promise<void> {
    for (const name of names(4)) outcomes.push(await client.join(name).catch((error: Error) => error));
  }

  @Get('raw')
  raw(@Req() request: object, @Res() response: { end?: () => void; send: (text: string) => void }): void {
    try {
      this.sse.add(request, response, { rooms: names(4) });
    } catch (error) {
      outcomes.push(error);
      response.send('refused');
    }
  }
}

describe.each(platforms)('the limit of rooms of a client, on $name,', (platform) => {
  let running: RunningApp;
  const tooMany = expect.objectContaining({ code: 'too-many-rooms' }) as Error;

  async function start(limits?: SseLimitOptions): Promise<void> {
    outcomes = [];
    const options = {
      limits,
      identify: () => ({ user: 'ann' }),
    };
    running = await platform.start(sseApp({ controllers: [RoomsController], options }));
  }
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('is 1,000 by default: a request for as many is a stream, one for more is answered with 400', async () => {
    await start();
    await running.listen('/rooms?count=1000');
    const refused = await running.open('/rooms?count=1001');
    expect(refused.status).toBe(400);
    expect(await refused.text()).toContain('maxRoomsPerClient');
    expect(running.sse.count()).toBe(1);
  });

  it('refuses a join of one more, until the client leaves a room', async () => {
    await start({ maxRoomsPerClient: 3 });
    await running.listen('/joins');
    expect(outcomes).toEqual([false, true, true, tooMany]);
    const [client] = [...running.sse.clients()] as [SseClient];
    expect((await sseRefusal(() => client.join('another'))).code).toBe('too-many-rooms');
    expect(await client.join('room 1')).toBe(false);
    client.leave('room 1');
    expect(await client.join('another')).toBe(true);
    expect([...client.rooms]).toEqual(['room 0', 'room 2', 'another']);
  });

  it('refuses a join by the id of the client or by its user', async () => {
    await start({ maxRoomsPerClient: 1 });
    await running.listen('/rooms?count=1');
    await expect(running.sse.join({ user: 'ann' }, 'another')).rejects.toThrow(/maxRoomsPerClient/);
    expect([...running.sse.clients('another')]).toEqual([]);
  });

  it('refuses `add` with more rooms before the response is used', async () => {
    await start({ maxRoomsPerClient: 3 });
    const answer = await running.open('/raw');
    expect(await answer.text()).toBe('refused');
    expect(outcomes).toEqual([tooMany]);
    expect(running.sse.count()).toBe(0);
  });

  it('is off with false', async () => {
    await start({ maxRoomsPerClient: false });
    await running.listen('/rooms?count=1500');
    expect([...running.sse.rooms()]).toHaveLength(1_500);
  });
});
