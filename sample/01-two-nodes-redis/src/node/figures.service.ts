import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SseService } from 'nestjs-simple-sse';
import { DeliveryCounter } from './delivery-counter.js';
import { report } from './report.js';

const INTERVAL_MS = 1_000;

/** Reports the figures of this node to the supervisor each second. */
@Injectable()
export class FiguresService implements OnApplicationBootstrap, OnModuleDestroy {
  private published = 0;
  private timer?: NodeJS.Timeout;

  constructor(
    private readonly sse: SseService,
    private readonly counter: DeliveryCounter,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => this.reportFigures(), INTERVAL_MS);
  }

  onModuleDestroy(): void {
    clearInterval(this.timer);
  }

  countPublished(): void {
    this.published++;
  }

  private reportFigures(): void {
    const figures = {
      clients: this.sse.count(),
      deliveries: this.counter.take(),
      published: this.published,
    };
    this.published = 0;
    report({ kind: 'figures', figures });
  }
}
