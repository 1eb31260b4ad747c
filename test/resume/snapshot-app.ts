import { Controller, Get, Injectable, NotFoundException, type Type } from '@nestjs/common';
import { SseRoom, SseService, type RoutedRequest, type SseModuleOptions } from 'nestjs-simple-sse';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';

/** The newest number of each room. Each number is stored first and published then. */
@Injectable()
export class Counters {
  readonly values = new Map<string, number>();
  loads = 0;
  /** Awaited before a load reads the value, and after it. */
  beforeRead: () => Promise<void> = async () => {};
  afterRead: () => Promise<void> = async () => {};

  constructor(readonly sse: SseService) {}

  async count(room: string, sse = this.sse): Promise<void> {
    const next = (this.values.get(room) ?? 0) + 1;
    this.values.set(room, next);
    await sse.broadcast(room, 'set', next);
  }

  async load(room: string | undefined): Promise<number> {
    this.loads++;
    await this.beforeRead();
    if (room === 'missing') throw new NotFoundException();
    const value = this.values.get(room ?? '') ?? 0;
    await this.afterRead();
    return value;
  }
}

@Controller()
class CountersController {
  constructor(private readonly counters: Counters) {}

  @Get('counters/:id')
  @SseRoom(':id', {
    snapshot: ({ params }, controller: CountersController) => controller.counters.load(params['id']),
  })
  counter(): void {}

  @Get('shared/:id')
  @SseRoom(':id', {
    snapshot: {
      load: ({ params }: RoutedRequest, controller: CountersController) =>
        controller.counters.load(params['id']),
      shared: true,
    },
  })
  shared(): void {}

  @Get('named/:id')
  @SseRoom(':id', { snapshot: ({ params }) => ({ type: 'state', data: { of: params['id'] } }) })
  named(): string {
    return 'value of the handler';
  }

  @Get('identified/:id')
  @SseRoom(':id', { snapshot: () => ({ data: 1, id: 'own' }) })
  identified(): void {}

  @Get('nothing/:id')
  @SseRoom(':id', { snapshot: () => undefined })
  nothing(): void {}
}

export function snapshotApp(options: SseModuleOptions = {}): Type {
  return sseApp({ controllers: [CountersController], providers: [Counters], options });
}

/** The events of a stream up to `end`, which is published to the room now, without control events. */
export async function receivedUntilEnd(
  running: RunningApp,
  stream: EventStream,
  room = 'a',
): Promise<string[]> {
  await running.sse.broadcast(room, 'end', 0, { volatile: true });
  const received: ReceivedEvent[] = [];
  while (received.at(-1)?.event !== 'end') received.push(await stream.nextEvent());
  return received.slice(0, -1).map(({ event, data }) => `${event} ${data}`);
}

/** Fails unless the events begin with a state, and go on with every number after it up to `newest`, each once and in order. */
export function expectExactAfterState([first = '', ...rest]: readonly string[], newest: number): void {
  const state = Number(/^snapshot (\d+)$/.exec(first)?.[1]);
  expect(state).toBeGreaterThanOrEqual(0);
  const numbers = rest.map((event) => Number(/^set (\d+)$/.exec(event)?.[1]));
  const oldest = numbers[0] ?? newest + 1;
  // The state may have some of the events that follow it, and lacks none.
  expect(oldest).toBeLessThanOrEqual(state + 1);
  expect(numbers).toEqual(Array.from({ length: newest - oldest + 1 }, (_, n) => oldest + n));
}
