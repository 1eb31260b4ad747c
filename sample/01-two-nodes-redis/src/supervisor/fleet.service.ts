import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { interval, merge, type Subscription } from 'rxjs';
import { SseService } from 'nestjs-simple-sse';
import { type AppEvents, type Fleet, FLEET_ROOM, type NodeName } from '../app.events.js';
import type { SupervisedNode } from './supervised-node.js';

export const NODES = Symbol('NODES');
const INTERVAL_MS = 1_000;

/** Publishes how the nodes are. A process without streams of its own may publish as any other. */
@Injectable()
export class FleetService implements OnApplicationBootstrap, OnModuleDestroy {
  private telling?: Subscription;

  constructor(
    @Inject(NODES) private readonly nodes: readonly SupervisedNode[],
    private readonly sse: SseService<AppEvents>,
  ) {}

  onApplicationBootstrap(): void {
    const moments$ = merge(interval(INTERVAL_MS), ...this.nodes.map(({ changes$ }) => changes$));
    // Not awaited: what cannot be published is logged by the library, and a second later there is the next.
    this.telling = moments$.subscribe(() => void this.sse.broadcast(FLEET_ROOM, 'fleet', this.fleet()));
  }

  onModuleDestroy(): void {
    this.telling?.unsubscribe();
  }

  node(name: NodeName): SupervisedNode | undefined {
    return this.nodes.find((node) => node.name === name);
  }

  fleet(): Fleet {
    return {
      nodes: this.nodes.map(({ status }) => status),
      accepted: this.nodes.flatMap(({ accepted }) => accepted),
    };
  }
}
