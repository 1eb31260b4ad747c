import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Controller, Get } from '@nestjs/common';
import { SseRunTail } from 'nestjs-simple-sse';
import { prometheusMetrics } from 'nestjs-simple-sse/prometheus';
import { Registry } from 'prom-client';
import { NEVER } from 'rxjs';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { RecordingMetrics } from './recording-metrics.js';

const CHANNEL = 'nestjs-simple-sse.run';

@Controller()
class TailController {
  @Get('going')
  @SseRunTail('going')
  going(): void {}

  @Get('short')
  @SseRunTail('short')
  short(): void {}
}

describe.each(platforms)('the metrics of runs on $name', (platform) => {
  it('count the starts, the ends by state and reason, and what goes on, and the channel names the runs', async () => {
    const [metrics, registry] = [new RecordingMetrics(), new Registry()];
    const messages: unknown[] = [];
    const listen = (message: unknown): void => void messages.push(message);
    subscribe(CHANNEL, listen);
    const running = await platform.start(
      sseApp({
        controllers: [TailController],
        options: { metrics: [metrics, prometheusMetrics({ registry })] },
      }),
    );
    const { runs } = running.sse;
    await (await runs.start('short', ['1', '2'].values(), { maxEvents: 1 })).ended();
    await (await runs.start('bad', () => Promise.reject(new Error('on purpose')))).ended();
    await (await runs.start('late', NEVER, { maxDurationMs: 1 })).ended();
    await runs.start('going', NEVER);
    await runs.start('going', NEVER);
    const streams = [await running.listen('/going'), await running.listen('/going')];
    await eventually(() => metrics.read()?.runFollowers === 2, 'two followers');
    expect(metrics.read()).toMatchObject({ runs: 1, runFollowers: 2 });
    expect(await registry.metrics()).toContain('\nsse_runs 1\n');
    streams[0]?.close();
    await eventually(() => metrics.read()?.runFollowers === 1, 'one follower');
    await runs.stop('going');
    await streams[1]?.ended;
    await eventually(() => metrics.read()?.runFollowers === 0, 'no follower');
    expect(metrics.read()?.runs).toBe(0);
    const trimmed = await running.listen('/short');
    await trimmed.ended;
    const id = trimmed.events.at(-2)?.id ?? '';
    await (
      await running.listen('/short', { headers: { 'last-event-id': id } })
    ).ended;
    await (
      await running.listen('/short', { headers: { 'last-event-id': 'x' } })
    ).ended;
    unsubscribe(CHANNEL, listen);

    expect(metrics.of('runStarted')).toHaveLength(4);
    expect(metrics.of('runEnded')).toEqual([
      ['done', 'none'],
      ['failed', 'none'],
      ['failed', 'deadline'],
      ['stopped', 'none'],
    ]);
    expect(metrics.of('clientResumed')).toEqual([
      ['full', 'broker'],
      ['none', 'none'],
    ]);
    expect(metrics.of('gapSent')).toEqual([
      ['trimmed', 1],
      ['invalid', 1],
      ['trimmed', 1],
    ]);
    const text = await registry.metrics();
    for (const line of [
      'sse_runs_started_total 4',
      'sse_runs_ended_total{state="done",reason="none"} 1',
      'sse_runs_ended_total{state="failed",reason="deadline"} 1',
      'sse_run_followers 0',
    ])
      expect(text).toContain(`\n${line}\n`);
    expect(messages).toContainEqual({ run: 'short', state: 'running' });
    expect(messages).toContainEqual({ run: 'short', state: 'done', reason: undefined, events: 2 });
    expect(messages).toHaveLength(8);
    await running.close();
  });

  it('forget a follower whose client has gone before its stream opened', async () => {
    const metrics = new RecordingMetrics();
    const running = await platform.start(sseApp({ controllers: [TailController], options: { metrics } }));
    const { node } = running.sse.runs;
    await running.sse.runs.start('going', NEVER);
    // A stream that nobody reads, as that of a client that leaves while its run is looked for.
    node.follow('going', {
      clientId: 'gone',
      start: { after: 0, epoch: undefined, gap: undefined, isResumed: false },
      control: true,
      ready: true,
    });
    expect(metrics.read()?.runFollowers).toBe(0);
    await running.close();
  });
});
