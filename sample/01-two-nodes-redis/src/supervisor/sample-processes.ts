import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Child } from '../../../shared/processes/child.js';
import { startNginx } from './nginx.js';
import { checkPort, freePorts, listening } from '../../../shared/processes/ports.js';
import { UserError } from '../../../shared/processes/user-error.js';
import { findPrograms } from '../../../shared/processes/programs.js';
import { startRedis } from '../../../shared/processes/redis.js';
import { SupervisedNode } from './supervised-node.js';
import { SupervisorModule } from './supervisor.module.js';

export interface SampleOptions {
  readonly host: string;
  readonly port: number;
  readonly restartAfterMs: number;
  readonly operatorPassword: string;
}

/** All processes of the sample: Redis, two nodes, nginx, and the control server for the page's buttons. */
export class SampleProcesses {
  private readonly folder = mkdtempSync(join(tmpdir(), 'two-nodes-'));
  private redis?: Child;
  private nodes: SupervisedNode[] = [];
  private control?: INestApplication;
  private nginx?: Child;
  private closing = false;

  constructor(private readonly options: SampleOptions) {
    // Also cleans up when this process ends by an error.
    process.once('exit', () => this.killAll());
  }

  /** Resolves when the page can be opened. `gone` rejects if Redis or nginx ends unexpectedly. */
  async open(): Promise<{ gone: Promise<never> }> {
    const { host, port, restartAfterMs, operatorPassword } = this.options;
    const programs = findPrograms(['redis-server', 'nginx']);
    await checkPort(port, host, 'npm run start:two-nodes');
    // The worker of nginx may run as another user, which needs to enter the folder.
    chmodSync(this.folder, 0o711);
    const [redisPort = 0, controlPort = 0, portA = 0, portB = 0] = await freePorts(4);
    const redisUrl = `redis://127.0.0.1:${redisPort}`;

    this.throwIfClosing();
    const redis = (this.redis = startRedis(programs['redis-server'], this.folder, redisPort));
    await listening(redisPort, redis.gone);

    this.throwIfClosing();
    const settings = { redisUrl, restartAfterMs, operatorPassword };
    this.nodes = [new SupervisedNode('A', portA, settings), new SupervisedNode('B', portB, settings)];
    for (const node of this.nodes) node.start();
    await Promise.all(this.nodes.map((node) => node.up()));

    this.throwIfClosing();
    const supervisor = SupervisorModule.of(this.nodes, redisUrl);
    this.control = await NestFactory.create(supervisor, { logger: ['error', 'warn'] });
    await this.control.listen(controlPort, '127.0.0.1');

    this.throwIfClosing();
    const ports = { host, port, nodes: { A: portA, B: portB }, supervisor: controlPort };
    const nginx = (this.nginx = startNginx(programs.nginx, this.folder, ports));
    await listening(port, nginx.gone, host);
    return { gone: Promise.race([redis.gone, nginx.gone]) };
  }

  /** Stops nginx, the nodes, then Redis. A running `open` rejects. */
  async close(): Promise<void> {
    this.closing = true;
    await this.nginx?.stop();
    await Promise.all([...this.nodes.map((node) => node.stop()), this.control?.close()]);
    await this.redis?.stop();
  }

  private throwIfClosing(): void {
    if (this.closing) throw new UserError('Closed while it was starting');
  }

  private killAll(): void {
    this.nginx?.kill();
    for (const node of this.nodes) node.kill();
    this.redis?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
