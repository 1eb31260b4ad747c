import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { SseService } from 'nestjs-simple-sse';
import { type AppEvents, CUT_ROOM } from '../app.events.js';

/**
 * Closes a connection on any node. `clients()` lists clients of this node only, and the balancer may route the request
 * to the other node. So the command is an event that every node receives. (`sse.disconnect()` does the same.)
 */
@Injectable()
export class CutService implements OnApplicationBootstrap, OnModuleDestroy {
  private subscription?: Subscription;

  constructor(private readonly sse: SseService<AppEvents>) {}

  onApplicationBootstrap(): void {
    this.subscription = this.sse.stream(CUT_ROOM).subscribe(({ data }) => this.closeLocal(data));
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
  }

  async cut(clientId: string): Promise<void> {
    await this.sse.broadcast(CUT_ROOM, 'cut', { clientId });
  }

  private closeLocal(command: unknown): void {
    const { clientId } = command as AppEvents['cut'];
    for (const client of this.sse.clients()) if (client.id === clientId) client.close();
  }
}
