/** The module under test, as an application uses it: one decorated route, one injected service. */
import { Controller, Get, Module, Res } from '@nestjs/common';
import { importBuild } from '../lib/build.mjs';
import { decorate } from './decorate.mjs';
import { NO_HEARTBEAT_MS } from './index.mjs';
import { startNest } from './nest-application.mjs';

export async function start({ platform, heartbeatMs = NO_HEARTBEAT_MS, prometheus, ...options }) {
  const { SseModule, SseRoom, SseService } = await importBuild();

  if (prometheus) options.metrics = (await importBuild('prometheus/index')).prometheusMetrics();

  class EventsController {
    events() {}
    fiveRooms() {}
    plainEach(response) {
      const raw = openPlain(response);
      for (const frame of plainFrames) raw.write(frame);
    }
    plainJoined(response) {
      openPlain(response).write(plainFrames.join(''));
    }
  }
  decorate(EventsController, {
    on: [Controller('rooms')],
    methods: {
      events: { on: [Get(':room/events'), SseRoom(':room')] },
      fiveRooms: { on: [Get('five'), SseRoom(['0', '1', '2', '3', '4'])] },
      plainEach: { on: [Get('plain/each')], parameters: [Res()] },
      plainJoined: { on: [Get('plain/joined')], parameters: [Res()] },
    },
  });

  class AppModule {}
  decorate(AppModule, {
    on: [
      Module({
        imports: [SseModule.forRoot({ heartbeatIntervalMs: heartbeatMs, ...options })],
        controllers: [EventsController],
      }),
    ],
  });

  const { app, port, connections } = await startNest(AppModule, platform);
  const sse = app.get(SseService);
  return {
    port,
    connections,
    publish(room, data) {
      if (room === 'plain') return void plainFrames.push(plainFrame(data));
      return sse.broadcast(room, data);
    },
  };
}

/** The measure for a resume: routes that write the bytes of the same events, without this module. */
const plainFrames = [];
const plainFrame = (data) => `id: 1.00000000.00000000000\ndata: ${data}\n\n`;

function openPlain(response) {
  response.hijack?.();
  const raw = response.raw ?? response;
  raw.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  return raw;
}
