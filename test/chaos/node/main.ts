import 'reflect-metadata';
import { shiftClock } from './clock.js';
import { Body, Controller, Get, Inject, Module, Post, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Redis } from 'ioredis';
import { SseModule, SseRoom, SseService, type RoutedRequest } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import type { FromNode, NodeConfig, ToNode } from './messages.js';
import { mutate } from './mutants.js';

@Controller()
class ChaosController {
  constructor(@Inject(SseService) private readonly sse: SseService) {}

  @Get('events')
  @SseRoom((request: RoutedRequest) => String(request.query['rooms']).split(','))
  events(): void {}

  @Post('publish')
  async publish(@Body() { rooms, text }: { rooms: string[]; text: string }): Promise<{ id: unknown }> {
    return { id: await this.sse.broadcast(rooms, 'n', text, { idempotencyKey: text }) };
  }
}

let app: INestApplication | undefined;
let removeMutant = (): void => {};

function send(message: FromNode): void {
  process.send?.(message);
}

function brokerOptions({ broker, sentinels }: NodeConfig): RedisBrokerOptions {
  if (sentinels === undefined) return broker;
  const { url: _, ...others } = broker;
  const addresses = sentinels.map((port) => ({ host: '127.0.0.1', port }));
  return { ...others, client: new Redis({ sentinels: addresses, name: 'chaos', lazyConnect: true }) };
}

async function start(config: NodeConfig): Promise<void> {
  shiftClock(config.clockShiftMs);
  if (config.mutant !== undefined) removeMutant = await mutate(config.mutant);
  const sse = SseModule.forRoot({
    broker: redisBroker(brokerOptions(config)),
    historyMaxEvents: config.historyMaxEvents,
    shutdownGraceMs: 0,
  });
  @Module({ imports: [sse], controllers: [ChaosController] })
  class ChaosModule {}

  const adapter = config.platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  app = await NestFactory.create(ChaosModule, adapter, { logger: false });
  app.get(SseService, { strict: false }).brokerState$.subscribe((state) => send({ kind: 'state', state }));
  await app.listen(0, '127.0.0.1');
  send({ kind: 'started', url: await app.getUrl() });
}

async function stop(): Promise<void> {
  await app?.close();
  app = undefined;
  removeMutant();
  send({ kind: 'stopped' });
}

process.on('message', (message: ToNode) => {
  const done = message.kind === 'start' ? start(message.config) : stop();
  done.catch((error: unknown) => send({ kind: 'failed', message: String(error) }));
});
// The parent process has ended.
process.on('disconnect', () => process.exit());
send({ kind: 'loaded' });
