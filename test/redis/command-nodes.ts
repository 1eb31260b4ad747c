import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import { SseService, type SseModuleOptions } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import { presenceApp } from '../presence/presence-app.js';
import type { EventStream } from '../support/event-stream.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';

/** Applications and workers on one Redis, whose clients other nodes command. */
export class CommandNodes {
  readonly apps: RunningApp[] = [];
  readonly #workers: INestApplicationContext[] = [];
  readonly #options: SseModuleOptions;

  /** @param options of the module of each application */
  constructor(options: SseModuleOptions = {}) {
    this.#options = options;
  }

  /** Starts one more application, on Express and Fastify in turn. */
  async start(options: RedisBrokerOptions): Promise<RunningApp> {
    const platform = this.apps.length % 2 === 0 ? express : fastify;
    const app = await platform.start(
      presenceApp({ broker: redisBroker(options), rooms: { 'fast*': { volatile: true } }, ...this.#options }),
    );
    this.apps.push(app);
    return app;
  }

  /** Starts a process without HTTP. */
  async startWorker(options: RedisBrokerOptions): Promise<SseService> {
    const moduleOptions: SseModuleOptions = { broker: redisBroker(options) };
    const worker = await NestFactory.createApplicationContext(sseApp({ options: moduleOptions }), {
      logger: false,
    });
    this.#workers.push(worker);
    return worker.get(SseService, { strict: false });
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.close()));
    await Promise.all(this.apps.splice(0).map((app) => app.close()));
  }
}

/** Opens a stream, and reads its `sse:ready`. */
export async function openReady(app: RunningApp, path: string): Promise<EventStream> {
  const stream = await app.listen(path);
  await stream.nextEvent({ control: true });
  return stream;
}

/** Texts of the events of an application that a stream has received so far. */
export function received({ events }: EventStream): string[] {
  return events.filter(({ event }) => !event.startsWith('sse:')).map(({ data }) => data);
}
