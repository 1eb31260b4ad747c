import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import type { Subscription } from 'rxjs';
import { SseService } from 'nestjs-simple-sse';
import { type AppEvents, CUT_ROOM } from '../app.events.js';

/**
 * Ends a connection, whichever node holds it. `clients()` knows those of this node only, and the balancer may have
 * brought the order to the other one: so the order is an event that every node hears.
 */
@Injectable()
export class CutService implements OnApplicationBootstrap, OnModuleDestroy {
  private listening?: Subscription;

  constructor(private readonly sse: SseService<AppEvents>) {}

  onApplicationBootstrap(): void {
    this.listening = this.sse.stream(CUT_ROOM).subscribe(({ data }) => this.cutHere(data));
  }

  onModuleDestroy(): void {
    this.listening?.unsubscribe();
  }

  async cut(clientId: string): Promise<void> {
    await this.sse.broadcast(CUT_ROOM, 'cut', { clientId });
  }

  private cutHere(order: unknown): void {
    const { clientId } = order as AppEvents['cut'];
    for (const client of this.sse.clients()) if (client.id === clientId) client.close();
  }
}
