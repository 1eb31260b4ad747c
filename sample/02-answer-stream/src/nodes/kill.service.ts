import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { SseService } from 'nestjs-simple-sse';
import { type AppEvents, KILL_ROOM, type NodeName } from '../app.events.js';
import { NodeIdentity } from './node-identity.js';

/** Kills a node by an event, which every node receives: the request may have reached the other one. */
@Injectable()
export class KillService implements OnApplicationBootstrap, OnModuleDestroy {
  private subscription?: Subscription;

  constructor(
    private readonly sse: SseService<AppEvents>,
    private readonly node: NodeIdentity,
  ) {}

  onApplicationBootstrap(): void {
    this.subscription = this.sse.stream(KILL_ROOM).subscribe(({ data }) => this.obey(data));
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
  }

  async kill(node: NodeName): Promise<void> {
    await this.sse.broadcast(KILL_ROOM, 'kill', { node }, { volatile: true });
  }

  /** SIGKILL: the node cannot clean up, as in a crash. */
  private obey(command: unknown): void {
    if ((command as AppEvents['kill']).node === this.node.name) process.kill(process.pid, 'SIGKILL');
  }
}
