/** The module under test as one of several nodes, over either Redis library. */
import { Controller, Get, Module } from '@nestjs/common';
import { importBuild } from '../lib/build.mjs';
import { nowMicros } from '../lib/clock.mjs';
import { decorate } from './decorate.mjs';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { startNest } from './nest-application.mjs';
import { withoutRedis } from './without-redis.mjs';

export const unavailable = withoutRedis;

export async function start({ driver, redisUrl }) {
  const { SseModule, SseRoom, SseService } = await importBuild();
  const { redisBroker } = await importBuild('redis');
  const reads = await countReads();

  class EventsController {
    events() {}
  }
  decorate(EventsController, {
    on: [Controller('rooms')],
    methods: { events: { on: [Get(':room/events'), SseRoom(':room')] } },
  });

  class AppModule {}
  const broker = redisBroker({ url: redisUrl, driver });
  decorate(AppModule, {
    on: [
      Module({
        imports: [SseModule.forRoot({ heartbeatIntervalMs: NO_HEARTBEAT_MS, broker })],
        controllers: [EventsController],
      }),
    ],
  });

  const { app, port, connections } = await startNest(AppModule, 'express');
  const sse = app.get(SseService);
  let states = [];
  sse.brokerState$.subscribe((state) => states.push({ state, at: nowMicros() }));
  return {
    port,
    connections,
    publish: (room, data) => sse.broadcast(room, data),
    async follow({ rooms }) {
      for (const room of rooms) sse.stream(room).subscribe();
      // When an event of the last room arrives, all rooms are subscribed.
      const [last] = rooms.slice(-1);
      await new Promise((resolve) => {
        const subscription = sse.stream(last).subscribe(() => {
          subscription.unsubscribe();
          clearInterval(timer);
          resolve();
        });
        const timer = setInterval(() => void sse.broadcast(last, 'following'), 20);
      });
    },
    states: () => states,
    forgetStates: () => void (states = []),
    reads: () => reads.count,
  };
}

/** At the driver port: every reading of history, whoever asks for it. */
async function countReads() {
  const { IoredisDriver } = await importBuild('broker/redis/ioredis-driver');
  const { NodeRedisDriver } = await importBuild('broker/redis/node-redis-driver');
  const { READ_SCRIPT } = await importBuild('broker/redis/read-script');
  const reads = { count: 0 };
  for (const { prototype } of [IoredisDriver, NodeRedisDriver]) {
    const { connect } = prototype;
    prototype.connect = function (events) {
      const connection = connect.call(this, events);
      const send = connection.send.bind(connection);
      connection.send = (args) => {
        if (args[1] === READ_SCRIPT.sha) reads.count++;
        return send(args);
      };
      return connection;
    };
  }
  return reads;
}
