import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NS_PER_MS = 1e6;
const BYTES_PER_MIB = 1024 * 1024;

export interface ProcessFigures {
  /** Percent of one core since the last reading; more than 100 when several cores are in use. */
  cpuPercent: number;
  heapMiB: number;
  rssMiB: number;
  /** Delay of timers since the last reading. */
  loopMeanMs: number;
  loopMaxMs: number;
}

/** Reads this process; each reading covers the time since the one before. */
export class ProcessProbe {
  private readonly loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  private cpu = process.cpuUsage();
  private readAt = performance.now();

  constructor() {
    this.loop.enable();
  }

  read(): ProcessFigures {
    const now = performance.now();
    const used = process.cpuUsage(this.cpu);
    const memory = process.memoryUsage();
    const figures = {
      cpuPercent: round((used.user + used.system) / 10 / (now - this.readAt)),
      heapMiB: round(memory.heapUsed / BYTES_PER_MIB),
      rssMiB: round(memory.rss / BYTES_PER_MIB),
      loopMeanMs: this.delay(this.loop.mean),
      loopMaxMs: this.delay(this.loop.max),
    };
    this.cpu = process.cpuUsage();
    this.readAt = now;
    this.loop.reset();
    return figures;
  }

  stop(): void {
    this.loop.disable();
  }

  /** The histogram holds the whole time between two ticks; the delay is what exceeds the resolution. */
  private delay(ns: number): number {
    return this.loop.count === 0 ? 0 : Math.max(0, round(ns / NS_PER_MS - RESOLUTION_MS));
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
