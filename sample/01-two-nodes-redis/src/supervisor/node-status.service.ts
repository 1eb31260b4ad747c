import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { interval, merge, type Subscription } from 'rxjs';
import { SseService } from 'nestjs-simple-sse';
import { type AppEvents, type NodesStatus, NODES_ROOM, type NodeName } from '../app.events.js';
import type { SupervisedNode } from './supervised-node.js';

export const NODES = Symbol('NODES');
const INTERVAL_MS = 1_000;

/** Publishes the state of the nodes. This process has no streams: any process may publish. */
@Injectable()
export class NodeStatusService implements OnApplicationBootstrap, OnModuleDestroy {
  private subscription?: Subscription;

  constructor(
    @Inject(NODES) private readonly nodes: readonly SupervisedNode[],
    private readonly sse: SseService<AppEvents>,
  ) {}

  onApplicationBootstrap(): void {
    const updates$ = merge(interval(INTERVAL_MS), ...this.nodes.map(({ changes$ }) => changes$));
    // Not awaited: the module logs a failure, and the next update follows a second later.
    this.subscription = updates$.subscribe(
      () => void this.sse.broadcast(NODES_ROOM, 'nodes', this.statuses()),
    );
  }

  onModuleDestroy(): void {
    this.subscription?.unsubscribe();
  }

  node(name: NodeName): SupervisedNode | undefined {
    return this.nodes.find((node) => node.name === name);
  }

  statuses(): NodesStatus {
    return {
      nodes: this.nodes.map(({ status }) => status),
      accepted: this.nodes.flatMap(({ accepted }) => accepted),
    };
  }
}
