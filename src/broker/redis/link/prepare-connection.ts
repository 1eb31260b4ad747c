import type { Position } from '../../../protocol/position.js';
import { newEpoch } from '../../new-epoch.js';
import type { RedisConnection } from '../driver/redis-driver.interface.js';
import type { ResolvedRedisOptions } from '../redis-broker-options.js';
import { checkEventCommands, type CheckNames } from '../self-check/self-check.js';
import type { ScriptRunner } from './script-runner.js';

export interface PreparationDependencies {
  /** Key of the state hash, the first key of every script. */
  readonly stateKey: string;
  /** Names for the check of rights. */
  readonly checkNames: CheckNames;
  readonly options: ResolvedRedisOptions;
  /** Longest time for which this node needs the last position of a room, in milliseconds; 0 without history. */
  readonly lastPositionTtlMs: number;
  /**
   * Returns the greatest position that this node has seen. Later positions are greater, even with a wrong server
   * clock.
   */
  readonly newestPosition: () => Position;
  readonly warn: (message: string) => void;
}

/**
 * Prepares a new connection: checks the rights, creates or checks the state hash, loads the scripts, and warns of
 * settings of the server that weaken a promise. Returns the run id of the server; an empty text without the right to run INFO.
 */
export async function prepareConnection(
  connection: RedisConnection,
  runner: ScriptRunner,
  { stateKey, checkNames, options, lastPositionTtlMs, newestPosition, warn }: PreparationDependencies,
): Promise<string> {
  await checkEventCommands(connection, checkNames);
  const numbers = [`${lastPositionTtlMs}`, `${newestPosition()}`];
  const fence = await runner.fence(['1', stateKey, newEpoch(), options.onFailover, ...numbers]);
  const [runId, policy] = fence as [string, string];
  if (runId === '' && options.onFailover === 'gap') {
    warn('The Redis user may not run INFO: a failover that loses events cannot be detected.');
  }
  if (policy !== '' && policy !== 'noeviction') {
    warn(
      `Redis may evict stored events without notice: set its maxmemory-policy to noeviction instead of ${policy}.`,
    );
  }
  await runner.load();
  return runId;
}
