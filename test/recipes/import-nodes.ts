import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Module, type DynamicModule, type Type } from '@nestjs/common';
import { RedisServer } from '../redis/redis-server.js';
import { compileApp } from '../support/compiled-app.js';
import { express, fastify } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { PATIENCE_MS, within } from '../support/within.js';

/** A web node on Express, one on Fastify, and at most one worker process, with a Redis of their own. */
export class ImportNodes {
  #worker: ChildProcess | undefined;

  private constructor(
    readonly server: RedisServer,
    readonly one: RunningApp,
    readonly two: RunningApp,
    private readonly script: ReturnType<typeof compileApp>,
  ) {}

  /**
   * Starts Redis and the web nodes.
   *
   * @param web the module of a web node, for the URL of Redis
   * @param worker the `main.ts` of the worker, which gets the URL of Redis as its argument
   * @param recipe the path of the code that the worker imports
   */
  static async start(
    web: (url: string) => DynamicModule,
    worker: string,
    recipe: string,
  ): Promise<ImportNodes> {
    const script = compileApp(worker, [recipe]);
    const server = await RedisServer.start();
    const node = (): Type => {
      @Module({ imports: [web(server.url)] })
      class WebNode {}
      return WebNode;
    };
    return new ImportNodes(server, await express.start(node()), await fastify.start(node()), script);
  }

  /** Starts the worker unless it runs. */
  startWorker(): void {
    this.#worker ??= spawn(process.execPath, [this.script.main, this.server.url], { stdio: 'inherit' });
  }

  /** Returns the exit code, and the signal that has ended the process. */
  async endWorker(signal: NodeJS.Signals): Promise<unknown> {
    if (this.#worker === undefined) return undefined;
    const exited = once(this.#worker, 'exit');
    this.#worker.kill(signal);
    this.#worker = undefined;
    return within(exited, 'the end of the worker', PATIENCE_MS);
  }

  async dispose(): Promise<void> {
    await this.endWorker('SIGKILL');
    await Promise.all([this.one.close(), this.two.close()]);
    await this.server.dispose();
    this.script.remove();
  }
}
