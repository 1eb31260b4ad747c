import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Child } from './child.js';
import { startNginx } from './nginx.js';
import { checkPort, freePorts, listening } from './ports.js';
import { Problem } from './problem.js';
import { findPrograms } from './programs.js';
import { startRedis } from './redis.js';
import { SupervisedNode } from './supervised-node.js';
import { SupervisorModule } from './supervisor.module.js';

export interface StageOptions {
  readonly host: string;
  readonly port: number;
  readonly restartAfterMs: number;
}

/** Everything that runs: Redis, two nodes, nginx, and what the page's buttons reach. */
export class Stage {
  private readonly folder = mkdtempSync(join(tmpdir(), 'two-nodes-'));
  private redis?: Child;
  private nodes: SupervisedNode[] = [];
  private control?: INestApplication;
  private nginx?: Child;
  private closing = false;

  constructor(private readonly options: StageOptions) {
    // Nothing is left behind even where this process ends by a mistake.
    process.once('exit', () => this.drop());
  }

  /** Resolves when the page can be opened, with a promise that rejects if something ends that must not. */
  async open(): Promise<{ gone: Promise<never> }> {
    const { host, port, restartAfterMs } = this.options;
    const programs = findPrograms();
    await checkPort(port, host);
    // nginx's worker may be another user; it only has to pass through.
    chmodSync(this.folder, 0o711);
    const [redisPort = 0, controlPort = 0, portA = 0, portB = 0] = await freePorts(4);
    const redisUrl = `redis://127.0.0.1:${redisPort}`;

    this.goOn();
    const redis = (this.redis = startRedis(programs.redis, this.folder, redisPort));
    await listening(redisPort, redis.gone);

    this.goOn();
    this.nodes = [
      new SupervisedNode('A', portA, redisUrl, restartAfterMs),
      new SupervisedNode('B', portB, redisUrl, restartAfterMs),
    ];
    for (const node of this.nodes) node.start();
    await Promise.all(this.nodes.map((node) => node.up()));

    this.goOn();
    const supervisor = SupervisorModule.of(this.nodes, redisUrl);
    this.control = await NestFactory.create(supervisor, { logger: ['error', 'warn'] });
    await this.control.listen(controlPort, '127.0.0.1');

    this.goOn();
    const front = { host, port, nodes: { A: portA, B: portB }, supervisor: controlPort };
    const nginx = (this.nginx = startNginx(programs.nginx, this.folder, front));
    await listening(port, nginx.gone, host);
    return { gone: Promise.race([redis.gone, nginx.gone]) };
  }

  /** From front to back; also while `open` is on its way, which then rejects. */
  async close(): Promise<void> {
    this.closing = true;
    await this.nginx?.stop();
    await Promise.all([...this.nodes.map((node) => node.stop()), this.control?.close()]);
    await this.redis?.stop();
  }

  private goOn(): void {
    if (this.closing) throw new Problem('Closed while it was starting');
  }

  private drop(): void {
    this.nginx?.kill();
    for (const node of this.nodes) node.kill();
    this.redis?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
