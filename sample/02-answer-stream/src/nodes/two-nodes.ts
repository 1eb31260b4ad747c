import { mkdtempSync, rmSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../../shared/processes/child.js';
import { checkPort, freePorts, listening } from '../../../shared/processes/ports.js';
import { findPrograms } from '../../../shared/processes/programs.js';
import { startRedis } from '../../../shared/processes/redis.js';
import { openBalancer } from './balancer.js';
import { NodeProcess } from './node-process.js';

export interface TwoNodesOptions {
  readonly host: string;
  readonly port: number;
  readonly restartAfterMs: number;
}

/** Redis, two nodes, and a balancer in front of them. */
export class TwoNodes {
  private readonly folder = mkdtempSync(join(tmpdir(), 'answer-stream-'));
  private redis?: Child;
  private nodes: NodeProcess[] = [];
  private balancer?: Server;

  constructor(private readonly options: TwoNodesOptions) {
    // Also cleans up when this process ends by an error.
    process.once('exit', () => this.killAll());
  }

  /** Resolves when the page can be opened. `gone` rejects if Redis ends unexpectedly. */
  async open(): Promise<{ gone: Promise<never> }> {
    const { host, port, restartAfterMs } = this.options;
    const programs = findPrograms(['redis-server']);
    await checkPort(port, host, 'NODES=2 npm run start:answer-stream');
    const [redisPort = 0, portA = 0, portB = 0] = await freePorts(3);
    const redis = (this.redis = startRedis(programs['redis-server'], this.folder, redisPort));
    await listening(redisPort, redis.gone);
    const settings = { redisUrl: `redis://127.0.0.1:${redisPort}`, restartAfterMs };
    this.nodes = [new NodeProcess('A', portA, settings), new NodeProcess('B', portB, settings)];
    await Promise.all(this.nodes.map((node) => node.start()));
    this.balancer = await openBalancer(port, host, [portA, portB]);
    return { gone: redis.gone };
  }

  /** Stops the nodes, then Redis. */
  async close(): Promise<void> {
    this.balancer?.close();
    await Promise.all(this.nodes.map((node) => node.stop()));
    await this.redis?.stop();
  }

  private killAll(): void {
    for (const node of this.nodes) node.kill();
    this.redis?.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
