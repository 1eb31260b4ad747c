import 'reflect-metadata';
import { Body, Controller, Get, Inject, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SseModule, SseRoom, SseService, type RoutedRequest } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import type { HttpExchange as HttpExchangeClass } from '../../../src/endpoint/http-exchange.js';
import type { RollingConfig } from './rolling-config.js';

const config = JSON.parse(process.argv[2] ?? '') as RollingConfig;

@Controller()
class RollingController {
  constructor(@Inject(SseService) private readonly sse: SseService) {}

  @Get('events')
  @SseRoom((request: RoutedRequest) => String(request.query['rooms']).split(','))
  events(): void {}

  @Post('publish')
  async publish(@Body() { rooms, text }: { rooms: string[]; text: string }): Promise<{ id: unknown }> {
    return { id: await this.sse.broadcast(rooms, 'n', text, { idempotencyKey: text }) };
  }
}

@Module({
  imports: [
    SseModule.forRoot({
      broker: redisBroker({ url: config.redisUrl, driver: config.driver }),
      historyMaxEvents: 10_000,
      retryMs: config.retryMs,
      drainWindowMs: config.drainWindowMs,
    }),
  ],
  controllers: [RollingController],
})
class RollingModule {}

if (config.mutant === 'refuses with a status') {
  const path = './node_modules/nestjs-simple-sse/endpoint/http-exchange.js';
  const { HttpExchange } = (await import(path)) as { HttpExchange: typeof HttpExchangeClass };
  HttpExchange.prototype.prefersStatus = () => true;
}
const adapter = config.platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(RollingModule, adapter, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await app.listen(config.port, '127.0.0.1');
process.send?.('listening');
// The parent process has ended.
process.on('disconnect', () => process.exit());
