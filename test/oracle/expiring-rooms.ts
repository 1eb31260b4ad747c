import { express } from '../support/platforms.js';
import type { HttpOracleOptions } from './http-oracle.js';

/** Rare events in rooms whose history is dropped within two seconds, and clients that stay away longer. */
export function expiringRooms(seed: number): HttpOracleOptions {
  return {
    platform: express,
    seed,
    events: 150,
    rooms: 40,
    burst: 2,
    pauseMs: 150,
    behavior: { awayMs: 6_000, cutBytes: 1_000, readPauseMs: 0, reload: 0 },
    options: { historyMaxAgeMs: 100 },
  };
}
