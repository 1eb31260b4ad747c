import { Controller, Get, GoneException, Req, Res } from '@nestjs/common';
import { SseRoom, SseService } from 'nestjs-simple-sse';
import { allPlatforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { RecordingMetrics } from './recording-metrics.js';

@Controller('shops/:shop')
class ShopController {
  constructor(private readonly sse: SseService) {}

  @Get('orders/:id')
  @SseRoom('orders/:id')
  orders(): void {}

  @Get('refused')
  @SseRoom('orders')
  refused(): void {
    throw new GoneException();
  }

  @Get('raw')
  raw(@Req() request: object, @Res() response: object): void {
    this.sse.add(request, response, { rooms: 'secret-room' });
  }
}

describe.each(allPlatforms)('the labels of streams on $name', (platform) => {
  it('are the route as the code has it, and the transport', async () => {
    const metrics = new RecordingMetrics();
    const running = await platform.start(
      sseApp({ controllers: [ShopController], options: { metrics, limits: { maxStreams: 2 } } }),
      { configure: (app) => app.setGlobalPrefix('v1') },
    );
    const transport = platform.http2 ? 'h2' : 'http/1.1';
    const streams = [
      await running.listen('/v1/shops/7/orders/42'),
      await running.listen('/v1/shops/8/raw?ticket=secret'),
    ];
    await running.open('/v1/shops/8/orders/43', { headers: { accept: 'text/event-stream' } });
    streams[0]?.close();
    await eventually(() => running.sse.count() === 1, 'one stream left');
    expect((await running.open('/v1/shops/9/refused')).status).toBe(410);
    const [orders, raw, refused] = ['orders/:id', 'raw', 'refused'].map((path) => ({
      endpoint: `/v1/shops/:shop/${path}`,
      transport,
    }));
    expect(metrics.of('clientOpened')).toEqual([[orders], [raw]]);
    expect(metrics.of('clientClosed')).toEqual([['client-gone', orders]]);
    expect(metrics.of('limitReached')).toEqual([['maxStreams', orders]]);
    expect(metrics.of('clientRefused')).toEqual([['refused', refused]]);
    await running.close();
  });
});
