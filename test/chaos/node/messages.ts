import type { BrokerState } from 'nestjs-simple-sse';
import type { RedisBrokerOptions } from 'nestjs-simple-sse/redis';

/** A fault put into all brokers of a process, which the oracle must find. */
export type Mutant =
  'reads nothing after a cut' | 'ignores idempotency keys' | 'reports no gaps' | 'announces no losses';

export interface NodeConfig {
  readonly platform: 'express' | 'fastify';
  readonly broker: Omit<RedisBrokerOptions, 'client'>;
  /** The ports of Sentinels that monitor the master `chaos`; an ioredis client connects through them. */
  readonly sentinels?: readonly number[] | undefined;
  readonly historyMaxEvents: number;
  /** The error of the process's clock, in milliseconds. */
  readonly clockShiftMs: number;
  readonly mutant?: Mutant | undefined;
}

export type ToNode =
  | { readonly kind: 'start'; readonly config: NodeConfig }
  /** Closes the application; the process goes on. */
  | { readonly kind: 'stop' };

export type FromNode =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'started'; readonly url: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'state'; readonly state: BrokerState };
