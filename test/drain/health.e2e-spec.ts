import { Controller, Get } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthCheckResult } from '@nestjs/terminus';
import { SseRoom } from 'nestjs-simple-sse';
import { SseHealthIndicator, type SseHealthResult } from 'nestjs-simple-sse/terminus';
import { platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import type { BrokerListener, SseBroker, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

@Controller('health')
class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicator: SseHealthIndicator,
  ) {}

  @Get('alive')
  @HealthCheck()
  alive(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicator.isAlive('sse')]);
  }

  /** As the recipe has it: without `HealthCheckService`. */
  @Get('live')
  live(): SseHealthResult<'sse'> {
    return this.indicator.isAlive('sse');
  }

  @Get('ready')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicator.isReady('sse')]);
  }

  @Get('strict')
  @HealthCheck()
  strict(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicator.isReady('sse', { requireBroker: true })]);
  }

  @Get('never-full')
  @HealthCheck()
  neverFull(): Promise<HealthCheckResult> {
    return this.health.check([() => this.indicator.isReady('sse', { downWhenFull: false })]);
  }

  @Get('stream')
  @SseRoom('lobby')
  stream(): void {}
}

/** A broker whose connection a test cuts. */
class CutBroker extends WrappedMemoryBroker {
  listener: BrokerListener | undefined;

  override start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    this.listener = listener;
    return super.start(policy, listener);
  }
}

const UP = { status: 'up', state: 'ready', streams: 0, broker: 'live' };

describe.each(platforms)('the health of a node, on $name,', (platform) => {
  let running: RunningApp;
  let broker: CutBroker;

  async function start(options: SseModuleOptions = {}): Promise<void> {
    broker = new CutBroker();
    running = await platform.start(
      sseApp({
        imports: [TerminusModule],
        providers: [SseHealthIndicator],
        controllers: [HealthController],
        options: { broker, ...options },
      }),
    );
  }
  /** The status of the probe, and its entry. */
  async function probe(name: string): Promise<[number, unknown]> {
    const answer = await running.open(`/health/${name}`);
    const { details } = JSON.parse(await answer.text()) as HealthCheckResult;
    return [answer.status, details['sse']];
  }
  afterEach(() => running.close());

  it('is up with its figures', async () => {
    await start({ limits: { maxStreams: 7 } });
    await running.listen('/health/stream');
    expect(running.sse.health()).toEqual({ state: 'ready', streams: 1, maxStreams: 7, broker: 'live' });
    expect(await probe('ready')).toEqual([200, { ...UP, streams: 1 }]);
    expect(await probe('alive')).toEqual([200, { ...UP, streams: 1 }]);
  });

  it('stays up without its broker, whose state it shows; only the strict probe is down', async () => {
    await start();
    broker.listener?.onStateChange('down');
    expect(running.sse.health().broker).toBe('down');
    expect(await probe('alive')).toEqual([200, { ...UP, broker: 'down' }]);
    expect(await probe('ready')).toEqual([200, { ...UP, broker: 'down' }]);
    expect(await probe('strict')).toEqual([503, { ...UP, status: 'down', broker: 'down' }]);
    broker.listener?.onStateChange('syncing');
    expect(await probe('strict')).toEqual([503, { ...UP, status: 'down', broker: 'syncing' }]);
    broker.listener?.onStateChange('live');
    expect(await probe('strict')).toEqual([200, UP]);
  });

  it('is alive and not ready while it drains, before its streams have ended', async () => {
    await start({ drainWindowMs: 600_000 });
    await running.listen('/health/stream');
    void running.sse.drain();
    const draining = { ...UP, state: 'draining', streams: 1 };
    expect(await probe('ready')).toEqual([503, { ...draining, status: 'down' }]);
    expect(await probe('alive')).toEqual([200, draining]);
    await running.disconnectAll();
  });

  it('is alive while the application closes, where the check of terminus already says that it shuts down', async () => {
    await start({ drainWindowMs: 600_000 });
    const stream = await running.listen('/health/stream');
    const closing = running.app.close();
    await eventually(async () => (await probe('alive'))[0] === 503, 'terminus knows of the shutdown');
    expect(await probe('ready')).toEqual([503, { ...UP, status: 'down', state: 'draining', streams: 1 }]);
    const live = await running.open('/health/live');
    expect([live.status, JSON.parse(await live.text())]).toEqual([
      200,
      { sse: { ...UP, state: 'draining', streams: 1 } },
    ]);
    stream.close();
    await within(closing, 'app.close() once no stream is open');
  });

  it('is not ready with as many streams as maxStreams, unless an option says otherwise, and ready again afterwards', async () => {
    await start({ limits: { maxStreams: 1 } });
    await running.listen('/health/stream');
    const full = { ...UP, state: 'full', streams: 1 };
    expect(await probe('ready')).toEqual([503, { ...full, status: 'down' }]);
    expect(await probe('never-full')).toEqual([200, full]);
    expect(await probe('alive')).toEqual([200, full]);
    await running.disconnectAll();
    expect(await probe('ready')).toEqual([200, UP]);
  });

  it('is never full without a limit', async () => {
    await start({ limits: { maxStreams: false } });
    await running.listen('/health/stream');
    expect(running.sse.health()).toMatchObject({ state: 'ready', maxStreams: false });
  });

  it('refuses an unknown option of a probe', async () => {
    await start();
    const indicator = running.get(SseHealthIndicator);
    const refused = await sseRefusal(() => indicator.isReady('sse', unchecked({ strict: true })));
    expect(refused.code).toBe('invalid-arguments');
  });
});
