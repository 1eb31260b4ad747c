import { Controller, Get, Req, Res } from '@nestjs/common';
import { SseRoom, SseService, type SseIdentity } from 'nestjs-simple-sse';
import { EventSource } from 'eventsource';
import { allPlatforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

@Controller()
class ExpiringController {
  constructor(private readonly sse: SseService) {}

  @Get('stream')
  @SseRoom('lobby')
  stream(): void {}

  @Get('raw')
  raw(@Req() request: object, @Res() response: object): void {
    this.sse.add(request, response, { rooms: 'lobby' });
  }
}

describe.each(allPlatforms)('expiresAt of an identity, on $name,', (platform) => {
  let running: RunningApp;
  let reasons: string[];

  async function start(expiresAt: () => SseIdentity['expiresAt'], maxAgeMs?: number): Promise<void> {
    reasons = [];
    const identify = (): SseIdentity => ({ user: 'ann', expiresAt: expiresAt() });
    const options = { identify, limits: { maxAgeMs } };
    running = await platform.start(sseApp({ controllers: [ExpiringController], options }));
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  }
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it.each(['/stream', '/raw'])('ends %s as expired before the moment, whole', async (path) => {
    const expiresAt = new Date(Date.now() + 2_000);
    await start(() => expiresAt);
    const stream = await running.listen(path);
    const [client] = [...running.sse.clients()];
    expect(client?.expiresAt).toEqual(expiresAt);
    await running.sse.broadcast('lobby', 'n', 'before');
    expect((await stream.nextEvent()).data).toBe('before');
    expect(await within(stream.ended, 'the end of the stream')).toBe('whole');
    expect(reasons).toEqual(['expired']);
  });

  it.each(['/stream', '/raw'])('answers %s with 401 where the moment has passed', async (path) => {
    await start(() => Date.now() - 1);
    const refused = await running.open(path);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ statusCode: 401 });
    await eventually(() => reasons.length > 0, 'the reason');
    expect(reasons).toEqual(['expired']);
    expect([...running.sse.clients('lobby')]).toEqual([]);
  });

  it('has no effect on a stream whose age ends first', async () => {
    await start(() => Date.now() + 3_600_000, 100);
    const stream = await running.listen('/stream');
    await within(stream.ended, 'the end of the stream');
    expect(reasons).toEqual(['max-age']);
  });

  it.each([
    ['in seconds, as `exp` of a token', () => Math.round(Date.now() / 1_000) + 60],
    ['that is no time', () => new Date('nonsense')],
  ])('of a time %s is reported, and the client has no user', async (_name, expiresAt) => {
    await start(expiresAt);
    await running.listen('/stream');
    const [client] = [...running.sse.clients()];
    expect([client?.user, client?.expiresAt]).toEqual([undefined, undefined]);
    expect(running.logger.complaints.map(({ text }) => text)).toEqual([
      expect.stringMatching(/identify[^]*milliseconds since 1970/),
    ]);
  });
});

describe('an EventSource whose identity expires', () => {
  it('reconnects, and is closed by 401 once there is no new identity', async () => {
    const [platform] = allPlatforms;
    let calls = 0;
    const identify = (): SseIdentity => ({
      user: 'ann',
      expiresAt: Date.now() + (calls++ === 0 ? 1_500 : -1),
    });
    const running = await platform!.start(
      sseApp({ controllers: [ExpiringController], options: { identify, retryMs: 10 } }),
    );
    const source = new EventSource(`${running.url}/stream`);
    try {
      await eventually(() => source.readyState === EventSource.CLOSED, 'the end of the EventSource');
      expect(calls).toBe(2);
    } finally {
      source.close();
      await running.close();
    }
  });
});
