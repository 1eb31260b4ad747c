import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { compileApp } from './compiled-app.js';
import { PATIENCE_MS, within } from './within.js';

/**
 * A process without HTTP that uses every call of the service, and ends in one of several ways. It prints what the calls have
 * returned, and after `app.close()` the handles that would keep it alive.
 */
const SCRIPT = `
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MemoryBroker, SseModule, SseService } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { filter, firstValueFrom } from 'rxjs';

const [, , ending = '', url = '', driver = ''] = process.argv;
const broker =
  url === '' ? new MemoryBroker() : redisBroker({ url, driver: driver as 'redis' | 'ioredis', publishTimeoutMs: 1_000 });

@Module({
  imports: [SseModule.forRoot({ broker, drainWindowMs: 600_000, rooms: { 'chat/*': { presence: true } } })],
})
class WorkerModule {}

const app = await NestFactory.createApplicationContext(WorkerModule, { logger: ['error', 'warn'] });
const sse = app.get(SseService);
const received: unknown[] = [];
sse.stream('chat/1').subscribe(({ data }) => received.push(data));
sse.presence$('chat/1').subscribe();
sse.connected$.subscribe();
sse.disconnected$.subscribe();
await firstValueFrom(sse.brokerState$.pipe(filter((state) => state === 'live')));
const position = await sse.broadcast('chat/1', 'news', 'from the worker');
const results = {
  stored: position !== undefined && (await sse.position('chat/1')) !== undefined,
  members: (await sse.presence('chat/1')).map(({ user }) => user),
  connections: (await sse.presenceCount('chat/1')).connections,
  joined: await sse.join({ user: 'ann' }, 'chat/2', { replay: 1 }),
  sent: await sse.send({ user: 'ann' }, 'hello', 1),
  left: await sse.leave({ user: 'ann' }, 'chat/2'),
  disconnected: await sse.disconnect({ user: 'ann' }, { retryMs: { minMs: 1, maxMs: 9 } }),
  received,
  health: sse.health().state,
};
console.log(JSON.stringify(results));
if (ending === 'drain') await sse.drain();
if (ending === 'outage') await firstValueFrom(sse.brokerState$.pipe(filter((state) => state === 'down')));
if (ending === 'signal') {
  app.enableShutdownHooks();
  // With the memory broker nothing else keeps the process alive until the signal is there.
  setInterval(() => {}, 1_000);
  process.kill(process.pid, 'SIGTERM');
} else {
  await app.close();
  const handles = (): string[] =>
    process.getActiveResourcesInfo().filter((name) => !/^(Immediate|PipeWrap|TTYWrap)$/.test(name));
  // A closed socket is a handle for some turns more.
  for (let turn = 0; turn < 20_000 && handles().length > 0; turn++) await new Promise((resolve) => setImmediate(resolve));
  console.log(JSON.stringify(handles()));
}
`;

/** How the process ends: by `app.close()`, after a drain, while the broker is away, or by SIGTERM. */
export type WorkerEnding = 'close' | 'drain' | 'outage' | 'signal';

export interface WorkerOutcome {
  readonly results: unknown;
  /** Handles that were left after `app.close()`; `undefined` where a signal has ended the process. */
  readonly handles: unknown;
  readonly exit: unknown;
  readonly errors: string;
}

/** The compiled script. Call `remove` afterwards. */
export class WorkerScript {
  readonly #compiled = compileApp(SCRIPT);
  readonly #children: ChildProcess[] = [];

  /**
   * Runs the script until its process has ended by itself.
   *
   * @param args the URL of Redis and the library, or none for the memory broker
   * @param onResults called when the calls have returned, before the process ends
   */
  async run(
    ending: WorkerEnding,
    args: readonly string[] = [],
    onResults: () => Promise<void> = async () => {},
  ): Promise<WorkerOutcome> {
    const child = spawn(process.execPath, [this.#compiled.main, ending, ...args]);
    this.#children.push(child);
    const closed = once(child, 'close');
    let [output, errors] = ['', ''];
    child.stderr.on('data', (text) => (errors += String(text)));
    const printed = new Promise<void>((resolve) => {
      child.stdout.on('data', (text) => {
        output += String(text);
        if (output.includes('\n')) resolve();
      });
    });
    await within(Promise.race([printed, closed]), 'the results of the worker', PATIENCE_MS);
    await onResults();
    const exit: unknown = await within(closed, 'the end of the worker', PATIENCE_MS);
    // Nest's Logger writes to the same output, as of an outage of Redis.
    const lines = output.split('\n').filter((line) => line !== '' && !line.includes('[Nest]'));
    const [results = 'null', handles] = lines;
    return {
      results: JSON.parse(results),
      handles: handles === undefined ? undefined : JSON.parse(handles),
      exit,
      errors,
    };
  }

  remove(): void {
    for (const child of this.#children) child.kill('SIGKILL');
    this.#compiled.remove();
  }
}
