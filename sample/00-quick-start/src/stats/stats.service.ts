import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { interval, map, type Subscription } from 'rxjs';
import { SseService } from 'nestjs-simple-sse';
import type { AppEvents, StatsSample } from '../app.events.js';
import { ProcessProbe } from './process-probe.js';

export const STATS_ROOM = 'stats';
const SAMPLE_INTERVAL_MS = 500;
const RECENT_SAMPLES = 130;

/** Publishes figures of this process to the room `stats`, twice a second. */
@Injectable()
export class StatsService implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly probe = new ProcessProbe();
  private readonly samples: StatsSample[] = [];
  private publishing?: Subscription;

  constructor(private readonly sse: SseService<AppEvents>) {}

  onApplicationBootstrap(): void {
    // Discards the reading that covers the start of the process: it would dwarf the others.
    this.probe.read();
    const samples$ = interval(SAMPLE_INTERVAL_MS).pipe(map((tick) => this.sample(tick + 1)));
    this.publishing = this.sse.publishFrom(STATS_ROOM, samples$, 'stats');
  }

  onModuleDestroy(): void {
    this.publishing?.unsubscribe();
    this.probe.stop();
  }

  /** Returns the samples of the last minute, for a page that has just been opened. */
  recent(): readonly StatsSample[] {
    return this.samples;
  }

  private sample(seq: number): StatsSample {
    const sample = { room: STATS_ROOM, seq, at: Date.now(), clients: this.sse.count(), ...this.probe.read() };
    this.samples.push(sample);
    if (this.samples.length > RECENT_SAMPLES) this.samples.shift();
    return sample;
  }
}
