import { randomInt } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import { type AppEvents, type Numbered, MATCHES, type Room, ROOMS } from '../app.events.js';
import { FiguresService } from './figures.service.js';
import { NodeIdentity } from './node-identity.js';
import { report } from './report.js';

const ALL_ROOMS = [...ROOMS, ...MATCHES];
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [60, 320];
const RETRY_MS = 500;

/** Publishes numbered events, at random times in random rooms. */
@Injectable()
export class PublisherService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('Publisher');
  private readonly seqs = new Map<Room, number>();
  private readonly stopping = new AbortController();
  private readonly since = Date.now();

  constructor(
    private readonly sse: SseService<AppEvents>,
    private readonly node: NodeIdentity,
    private readonly figures: FiguresService,
  ) {}

  onApplicationBootstrap(): void {
    void this.publish().catch((error: unknown) => {
      if (!this.stopping.signal.aborted) this.logger.error(error);
    });
  }

  onModuleDestroy(): void {
    this.stopping.abort();
  }

  private async publish(): Promise<void> {
    const { signal } = this.stopping;
    for (;;) {
      await pause(randomInt(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS), undefined, { signal });
      const event = this.next(ALL_ROOMS[randomInt(ALL_ROOMS.length)] ?? 'orders');
      while (!(await this.isAccepted(event))) await pause(RETRY_MS, undefined, { signal });
      this.figures.countPublished();
      const { room, seq, since } = event;
      report({ kind: 'accepted', count: { room, seq, since } });
    }
  }

  /** After a failure the event may be published or not. With its key it can be published again and counts once. */
  private async isAccepted(event: Numbered): Promise<boolean> {
    try {
      await this.sse.broadcast(event.topic, 'numbered', event, {
        idempotencyKey: `${event.room} ${event.seq} ${event.since}`,
      });
      return true;
    } catch (error) {
      if (this.stopping.signal.aborted) throw error;
      this.logger.warn(error);
      return false;
    }
  }

  private next(topic: Room): Numbered {
    const { name, run } = this.node;
    const seq = (this.seqs.get(topic) ?? 0) + 1;
    this.seqs.set(topic, seq);
    const since = topic.startsWith('match/') ? 0 : this.since;
    return { room: `${topic} ${name}${run}`, seq, since, at: Date.now(), node: name, topic };
  }
}
