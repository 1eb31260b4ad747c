import { Controller, Get, GoneException } from '@nestjs/common';
import { ConnectedClient, SseRoom, type SseClient } from 'nestjs-simple-sse';
import { express, http2Platforms, platforms } from '../support/platforms.js';
import { refusal } from '../support/refusal.js';
import { testApp, connectClient } from '../support/test.controller.js';
import { eventually } from '../support/within.js';
import { CountingMetrics } from './counting-metrics.js';

@Controller('unopened')
class UnopenedController {
  @Get('refused')
  @SseRoom('lobby')
  refused(): void {
    throw new GoneException();
  }

  /** Opens too late: the client has gone by then. */
  @Get('late')
  @SseRoom('lobby')
  async late(@ConnectedClient() client: SseClient): Promise<void> {
    await client.closed;
  }
}

describe.each([...platforms, ...http2Platforms])('the counters of SseMetrics on $name', (platform) => {
  it('count each stream and its end once, and each event with the number of clients that receive it', async () => {
    const metrics = new CountingMetrics();
    const running = await platform.start(testApp({ options: { metrics } }));
    const [lobby, kitchen, plain] = [
      await connectClient(running, '/rooms/lobby'),
      await connectClient(running, '/rooms/kitchen'),
      await connectClient(running),
    ];
    await lobby.client.join('kitchen');
    expect([metrics.opened, metrics.closed]).toEqual([3, {}]);

    await running.sse.broadcast('lobby', 'n', 1);
    await running.sse.broadcast('kitchen', 'n', 2);
    await running.sse.broadcast(['lobby', 'kitchen'], 'n', 3);
    await running.sse.broadcast('*', 'n', 4);
    await running.sse.broadcast('kitchen', 'n', 5, { except: kitchen.client });
    // No client receives these.
    await running.sse.broadcast('attic', 'n', 6);
    running.sse.stream('attic').subscribe();
    await running.sse.broadcast('attic', 'n', 7);
    await running.sse.broadcast(['kitchen', 'lobby'], 'v', 8, { volatile: true });
    plain.client.send('alone', 1);
    expect(metrics.deliveries.filter((clients) => clients > 0)).toEqual([1, 2, 2, 3, 1, 2]);
    expect(metrics.volatileDrops).toBe(0);

    plain.client.close();
    kitchen.stream.close();
    await eventually(() => running.sse.count() === 1, 'two forgotten');
    expect(metrics.closed).toEqual({ closed: 1, 'client-gone': 1 });
    await running.sse.broadcast('*', 'n', 9);
    expect(metrics.deliveries.at(-1)).toBe(1);
    running.sse.remove(lobby.client);
    expect(metrics.closed).toEqual({ closed: 1, 'client-gone': 1, removed: 1 });
    lobby.stream.close();
    const last = await connectClient(running, '/rooms/lobby');
    await running.shutDown();
    expect(metrics.closed).toEqual({ closed: 1, 'client-gone': 1, removed: 1, shutdown: 1 });
    expect(metrics.opened).toBe(4);
    expect(await last.stream.ended).toBe('whole');
    await running.close();
  });
});

describe.each(platforms)('a gauge of open streams on $name', (platform) => {
  it('never goes negative: a stream that did not open calls `clientRefused` alone', async () => {
    const metrics = new CountingMetrics();
    const running = await platform.start(
      testApp({ controllers: [UnopenedController], options: { metrics } }),
    );
    for (let n = 0; n < 3; n++) expect((await running.open('/unopened/refused')).status).toBe(410);
    const leaving = new AbortController();
    const late = refusal(() => fetch(`${running.url}/unopened/late`, { signal: leaving.signal }));
    await eventually(() => running.sse.count() === 1, 'the late client');
    leaving.abort();
    await late;
    await eventually(() => running.sse.count() === 0, 'the late client forgotten');
    expect(metrics.refused).toEqual({ refused: 3, 'client-gone': 1 });
    expect([metrics.opened, metrics.closed]).toEqual([0, {}]);
    await connectClient(running, '/rooms/lobby');
    await running.shutDown();
    expect([metrics.opened, metrics.closed]).toEqual([1, { shutdown: 1 }]);
    await running.close();
  });
});

describe('a metrics object that throws', () => {
  it('fails no call, and the event is delivered', async () => {
    const metrics = new CountingMetrics();
    const running = await express.start(testApp({ options: { metrics } }));
    const { stream } = await connectClient(running, '/rooms/lobby');
    metrics.eventDelivered = () => {
      throw new Error('the metrics failed');
    };
    await running.sse.broadcast('lobby', 'n', 1);
    expect(await stream.nextEvent()).toMatchObject({ event: 'n' });
    metrics.eventDelivered = () => {};
    await running.sse.broadcast('lobby', 'n', 2);
    expect(await stream.nextEvent()).toMatchObject({ data: '2' });
    await running.close();
  });
});
