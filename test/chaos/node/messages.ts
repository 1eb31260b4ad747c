import type { BrokerState, PresenceChange } from 'nestjs-simple-sse';
import type { RedisBrokerOptions } from 'nestjs-simple-sse/redis';
import type { RunMutant } from './run-mutants.js';

/** A fault put into all brokers of a process, which the oracle must find. */
export type Mutant =
  | 'reads nothing after a cut'
  | 'ignores idempotency keys'
  | 'reports no gaps'
  | 'announces no losses'
  | 'compares no lists'
  | 'emits each change as received';

export interface NodeConfig {
  readonly platform: 'express' | 'fastify';
  readonly broker: Omit<RedisBrokerOptions, 'client'>;
  /** The ports of Sentinels that monitor the master `chaos`; an ioredis client connects through them. */
  readonly sentinels?: readonly number[] | undefined;
  /** The addresses of nodes of a Redis Cluster, as this node reaches them. */
  readonly cluster?: readonly number[] | undefined;
  /** The address of each server, as other servers name it, and the port at which this node reaches it. */
  readonly addressMap?: Readonly<Record<string, number>> | undefined;
  /** True for rooms with presence, the times of which are shortened. */
  readonly hasPresence?: boolean | undefined;
  /** `runs.leaseMs` of the module. */
  readonly runLeaseMs?: number | undefined;
  readonly historyMaxEvents: number;
  /** The error of the process's clock, in milliseconds. */
  readonly clockShiftMs: number;
  readonly mutant?: Mutant | RunMutant | undefined;
}

export type ToNode =
  | { readonly kind: 'start'; readonly config: NodeConfig }
  /** Closes the application; the process goes on. */
  | { readonly kind: 'stop' }
  /** Sends each change of presence in these rooms from now on. */
  | { readonly kind: 'watch presence'; readonly rooms: readonly string[] }
  /** Requests the members of these rooms. */
  | { readonly kind: 'list members'; readonly rooms: readonly string[] };

export type FromNode =
  | { readonly kind: 'loaded' }
  | { readonly kind: 'started'; readonly url: string }
  | { readonly kind: 'stopped' }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'watching' }
  | {
      readonly kind: 'members';
      readonly members: readonly { readonly room: string; readonly user: string }[];
    }
  | { readonly kind: 'presence'; readonly change: PresenceChange }
  | { readonly kind: 'state'; readonly state: BrokerState };
