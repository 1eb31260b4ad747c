import {
  Controller,
  Get,
  Inject,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
  type OnModuleInit,
  type Type,
} from '@nestjs/common';
import { SseError, SseModule, SseRoom, SseService } from 'nestjs-simple-sse';
import type { EventStream } from './event-stream.js';
import type { RunningApp } from './running-app.js';

export const START_HOOKS = ['constructor', 'onModuleInit', 'onApplicationBootstrap'] as const;
export const CLOSE_HOOKS = ['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown'] as const;

/** Outcome of the broadcast of each hook: its position, or the code of the error. */
export type Outcomes = Record<string, Promise<string>>;

abstract class Hooks
  implements
    OnModuleInit,
    OnApplicationBootstrap,
    OnModuleDestroy,
    BeforeApplicationShutdown,
    OnApplicationShutdown
{
  readonly outcomes: Outcomes = {};

  protected constructor(
    private readonly sse: SseService,
    private readonly from: string,
  ) {
    this.publish('constructor');
  }

  onModuleInit(): void {
    this.publish('onModuleInit');
  }

  onApplicationBootstrap(): void {
    this.publish('onApplicationBootstrap');
  }

  onModuleDestroy(): void {
    this.publish('onModuleDestroy');
  }

  beforeApplicationShutdown(): void {
    this.publish('beforeApplicationShutdown');
  }

  onApplicationShutdown(): void {
    this.publish('onApplicationShutdown');
  }

  /** Publishes without `await`, as an application does that forgets it. */
  private publish(hook: string): void {
    this.outcomes[hook] = this.sse.broadcast('lobby', `${this.from} ${hook}`).then(
      (position) => (position === undefined ? 'not stored' : 'accepted'),
      (error: unknown) => (error instanceof SseError ? error.code : String(error)),
    );
  }
}

@Controller()
export class HooksController extends Hooks {
  constructor(@Inject(SseService) sse: SseService) {
    super(sse, 'controller');
  }

  @Get('plain')
  @SseRoom()
  plain(): void {}

  @Get('lobby')
  @SseRoom('lobby')
  lobby(): void {}
}

@Injectable()
export class HooksProvider extends Hooks {
  constructor(@Inject(SseService) sse: SseService) {
    super(sse, 'provider');
  }
}

/** An application whose root controller, and a provider two modules below, publish in each hook. */
export function hookApp(registered: DynamicModule, imports: (typeof SseModule | DynamicModule)[] = []): Type {
  @Module({ imports, providers: [HooksProvider] })
  class DeepModule {}
  @Module({ imports: [DeepModule] })
  class FeatureModule {}
  @Module({ imports: [registered, FeatureModule], controllers: [HooksController] })
  class HookAppModule {}
  return HookAppModule;
}

/** Opens a stream that joins the room after it has opened, and reads the events of the start hooks. */
export async function storedTexts(running: RunningApp): Promise<string[]> {
  const stream = await running.listen('/plain');
  const [client] = running.sse.clients();
  await client?.join('lobby', { replay: 10 });
  return (await stream.nextEvents(2 * START_HOOKS.length)).map(({ data }) => data);
}

/** Reads the events of a stream up to its end. */
export async function textsUntilEnd(stream: EventStream): Promise<string[]> {
  return (await stream.eventsUntilEnd()).map(({ data }) => data);
}
