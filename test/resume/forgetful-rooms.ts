import { express } from '../support/platforms.js';
import type { OracleOptions } from './oracle.js';

/** Rare events in rooms that are forgotten within two seconds, and pages that stay away longer. */
export function forgetfulRooms(seed: number): OracleOptions {
  return {
    platform: express,
    seed,
    events: 150,
    rooms: 40,
    burst: 2,
    quietMs: 150,
    habits: { awayMs: 6_000, dropBytes: 1_000, pausesMs: 0, reload: 0 },
    options: { historyMaxAgeMs: 100 },
  };
}
