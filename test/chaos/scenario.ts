import type { RedisBrokerOptions, RedisDriverName } from 'nestjs-simple-sse/redis';
import type { Traffic } from '../oracle/traffic.js';
import type { ChaosClient } from './chaos-client.js';
import type { Fleet } from './fleet.js';
import type { ServerOptions, Servers } from './servers.js';

/** The parts of a running scenario that a fault can act on. */
export interface ScenarioRun extends Servers {
  readonly fleet: Fleet;
  readonly traffic: Traffic<ChaosClient>;
}

/** One fault, and what clients may see of it. */
export interface Scenario extends ServerOptions {
  readonly name: string;
  /**
   * `none`: no client receives a gap. `may`: clients may receive gaps. `must`: some client receives one. `loses`: some
   * client receives one and has lost an event.
   */
  readonly gaps: 'none' | 'may' | 'must' | 'loses';
  readonly broker?: Omit<RedisBrokerOptions, 'client' | 'url' | 'driver'>;
  readonly historyMaxEvents?: number;
  /** The error of each node's clock, in milliseconds. */
  readonly clockShiftsMs?: readonly number[];
  /** True where the fault lets two masters accept events at the same time, see `Judge`. */
  readonly hasTwoMasters?: boolean;
  /** True where clients are members of their rooms, and the changes of presence are judged as well. */
  readonly hasPresence?: boolean;
  readonly drivers?: readonly RedisDriverName[];
  /** Runs before any client connects. */
  readonly prepare?: (run: ScenarioRun) => Promise<void>;
  readonly fault: (run: ScenarioRun) => Promise<void>;
}
