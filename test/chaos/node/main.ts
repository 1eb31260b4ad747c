import 'reflect-metadata';
import { shiftClock } from './clock.js';
import { Body, Controller, Get, Inject, Module, Post, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Cluster, Redis } from 'ioredis';
import {
  SseError,
  SseModule,
  SseRoom,
  SseService,
  type RoutedRequest,
  type SseModuleOptions,
} from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import { createCluster } from 'redis';
import type { PresenceTimes } from '../../../src/broker/redis/presence/redis-presence-context.js';
import type { ReconcilerTimes } from '../../../src/presence/presence-reconciler.js';
import type { FromNode, NodeConfig, ToNode } from './messages.js';
import { mutate } from './mutants.js';
import { RunsController } from './runs.controller.js';

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

/** The outcome of a call of a page: the number of streams, or the code of the failure. */
type Outcome = { readonly streams: number } | { readonly failed: string };

/** Streams with sessions, and the calls of their pages. */
@Controller()
class SessionController {
  constructor(@Inject(SseService) private readonly sse: SseService) {}

  @Get('news')
  @SseRoom('news')
  news(): void {}

  @Post('join')
  join(@Body() { session, room }: { session: string; room: string }): Promise<Outcome> {
    return outcomeOf(this.sse.join({ session }, room));
  }

  @Post('leave')
  leave(@Body() { session, room }: { session: string; room: string }): Promise<Outcome> {
    return outcomeOf(this.sse.leave({ session }, room));
  }

  @Post('say')
  say(@Body() { room, text }: { room: string; text: string }): Promise<Outcome> {
    return outcomeOf(this.sse.broadcast(room, 'said', text, { idempotencyKey: text }).then(() => 0));
  }
}

async function outcomeOf(call: Promise<number>): Promise<Outcome> {
  try {
    return { streams: await call };
  } catch (error) {
    return { failed: error instanceof SseError ? error.code : String(error) };
  }
}

const WITH_PRESENCE: SseModuleOptions = {
  identify: ({ request }) => {
    const { user } = (request as RoutedRequest).query;
    return user === undefined ? undefined : { user };
  },
  presenceGraceMs: false,
  rooms: { 'room *': { presence: true, presenceEvents: true } },
};

/** Heartbeats that tell a client within seconds that its node is frozen. */
const RUNS = (leaseMs: number): SseModuleOptions => ({ runs: { leaseMs }, heartbeatIntervalMs: 1_000 });

let app: INestApplication | undefined;
let removeMutant = (): void => {};

function send(message: FromNode): void {
  process.send?.(message);
}

function brokerOptions(config: NodeConfig): RedisBrokerOptions {
  const { url, ...others } = config.broker;
  const client = clientOf(config);
  return client === undefined ? { ...others, url } : { ...others, client };
}

/** Creates the client of a Sentinel or Cluster set-up; `undefined` for one address. */
function clientOf({ broker, sentinels, cluster, addressMap }: NodeConfig): RedisBrokerOptions['client'] {
  const host = '127.0.0.1';
  const natMap = Object.fromEntries(
    Object.entries(addressMap ?? {}).map(([address, port]) => [address, { host, port }]),
  );
  if (sentinels !== undefined) {
    const addresses = sentinels.map((port) => ({ host, port }));
    // Sentinels name each other by addresses that this node may not reach.
    const common = { name: 'chaos', lazyConnect: true, updateSentinels: false };
    return new Redis({ sentinels: addresses, natMap, ...common });
  }
  if (cluster === undefined) return undefined;
  const addresses = cluster.map((port) => ({ host, port }));
  if (broker.driver === 'ioredis') return new Cluster(addresses, { natMap, lazyConnect: true });
  const rootNodes = cluster.map((port) => ({ url: `redis://${host}:${port}` }));
  return createCluster({ rootNodes, nodeAddressMap: natMap });
}

/** Shortens the times of presence, which is judged at the end of a scenario. */
async function shortenPresence(): Promise<void> {
  const folder = './node_modules/nestjs-simple-sse';
  const { RECONCILER_TIMES } = (await import(`${folder}/presence/presence-reconciler.js`)) as {
    RECONCILER_TIMES: ReconcilerTimes;
  };
  const { PRESENCE_TIMES } = (await import(`${folder}/broker/redis/presence/redis-presence-context.js`)) as {
    PRESENCE_TIMES: PresenceTimes;
  };
  Object.assign(RECONCILER_TIMES, { batchMs: 50, compareMs: 500, listMs: 2_000, leaveAfterMs: 3_000 });
  Object.assign(PRESENCE_TIMES, {
    heartbeatMs: 500,
    leaseMs: 10_000,
    claimMs: 2_000,
    cleanUpDelayMs: 10_000,
  });
}

async function watchPresence(rooms: readonly string[]): Promise<void> {
  for (const room of rooms) {
    service()
      .presence$(room)
      .subscribe((change) => send({ kind: 'presence', change }));
    // A list that fails now is compared again by the node.
    await service().presence(room);
  }
  send({ kind: 'watching' });
}

async function listMembers(rooms: readonly string[]): Promise<void> {
  const lists = rooms.map(async (room) =>
    (await service().presence(room)).map(({ user }) => ({ room, user })),
  );
  send({ kind: 'members', members: (await Promise.all(lists)).flat() });
}

function service(): SseService {
  return (app as INestApplication).get(SseService, { strict: false });
}

async function start(config: NodeConfig): Promise<void> {
  shiftClock(config.clockShiftMs);
  if (config.mutant !== undefined) removeMutant = await mutate(config.mutant);
  if (config.hasPresence === true) await shortenPresence();
  const sse = SseModule.forRoot({
    broker: redisBroker(brokerOptions(config)),
    historyMaxEvents: config.historyMaxEvents,
    ...(config.hasPresence === true ? WITH_PRESENCE : {}),
    ...(config.runLeaseMs === undefined ? {} : RUNS(config.runLeaseMs)),
    shutdownGraceMs: 0,
  });
  @Module({ imports: [sse], controllers: [ChaosController, SessionController, RunsController] })
  class ChaosModule {}

  const adapter = config.platform === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  app = await NestFactory.create(ChaosModule, adapter, { logger: false });
  service().brokerState$.subscribe((state) => send({ kind: 'state', state }));
  await app.listen(0, '127.0.0.1');
  send({ kind: 'started', url: await app.getUrl() });
}

async function stop(): Promise<void> {
  await app?.close();
  app = undefined;
  removeMutant();
  send({ kind: 'stopped' });
}

function handle(message: ToNode): Promise<void> {
  if (message.kind === 'start') return start(message.config);
  if (message.kind === 'watch presence') return watchPresence(message.rooms);
  if (message.kind === 'list members') return listMembers(message.rooms);
  return stop();
}

process.on('message', (message: ToNode) => {
  handle(message).catch((error: unknown) => send({ kind: 'failed', message: String(error) }));
});
// The parent process has ended.
process.on('disconnect', () => process.exit());
send({ kind: 'loaded' });
