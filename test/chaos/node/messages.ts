import type { BrokerState } from 'nestjs-simple-sse';
import type { RedisBrokerOptions } from 'nestjs-simple-sse/redis';

/** How a broker is broken on purpose, to see whether the oracle sees it. */
export type Mutant = 'reads nothing after a cut' | 'forgets the keys of publishes' | 'keeps gaps to itself';

export interface NodeConfig {
  readonly platform: 'express' | 'fastify';
  readonly broker: Omit<RedisBrokerOptions, 'client'>;
  /** The ports of Sentinels that know the master `chaos`; an ioredis client asks them. */
  readonly sentinels?: readonly number[] | undefined;
  readonly historyMaxEvents: number;
  /** How wrong the clock of the process is. */
  readonly clockShiftMs: number;
  readonly mutant?: Mutant | undefined;
}

export type ToNode =
  | { readonly kind: 'start'; readonly config: NodeConfig }
  /** Closes the application; the process stays. */
  | { readonly kind: 'stop' };

export type FromNode =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'started'; readonly url: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'state'; readonly state: BrokerState };
