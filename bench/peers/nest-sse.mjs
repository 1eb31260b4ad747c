/** Nest's own `@Sse()` with one RxJS Subject per room, as in most applications today. */
import { Controller, Module, Param, Sse } from '@nestjs/common';
import { Subject } from 'rxjs';
import { decorate } from './decorate.mjs';
import { rooms } from './listen.mjs';
import { startNest } from './nest-application.mjs';

export async function start({ platform = 'express' }) {
  const room = rooms(() => new Subject());

  class EventsController {
    events(name) {
      return room(name).asObservable();
    }
  }
  decorate(EventsController, {
    on: [Controller('rooms')],
    methods: { events: { on: [Sse(':room/events')], parameters: [Param('room')] } },
  });

  class AppModule {}
  decorate(AppModule, { on: [Module({ controllers: [EventsController] })] });

  const { port, connections } = await startNest(AppModule, platform);
  return { port, connections, publish: (name, data) => room(name).next({ data }) };
}
