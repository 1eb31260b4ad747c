import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { SseModule, SseRoom } from 'nestjs-simple-sse';
import { prometheusMetrics } from 'nestjs-simple-sse/prometheus';

@Controller()
class ShopController {
  @Get('shops/:id')
  @SseRoom('shops/:id')
  shop(): void {}
}

@Module({
  imports: [
    PrometheusModule.register({ defaultMetrics: { enabled: false } }),
    SseModule.forRoot({ metrics: prometheusMetrics() }),
  ],
  controllers: [ShopController],
})
class AppModule {}

// A process of its own, since Jest cannot load a CommonJS package that requires Nest 12. Prints what Prometheus would read.
const adapter = process.argv[2] === 'express' ? new ExpressAdapter() : new FastifyAdapter();
const app = await NestFactory.create(AppModule, adapter, { logger: false });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();
const stream = await fetch(`${url}/shops/7`);
await stream.body?.getReader().read();
console.log(await (await fetch(`${url}/metrics`)).text());
process.exit();
