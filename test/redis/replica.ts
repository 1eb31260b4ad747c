import { eventually } from '../support/within.js';
import { RedisServer } from './redis-server.js';

/** Starts a replica. Resolves when it is in sync with its master. */
export async function startReplica(master: RedisServer): Promise<RedisServer> {
  const replica = await RedisServer.start();
  await replica.command('REPLICAOF', '127.0.0.1', `${master.port}`);
  await waitForSync(replica);
  return replica;
}

export async function waitForSync(replica: RedisServer): Promise<void> {
  const isInSync = async (): Promise<boolean> =>
    (await replica.command('INFO', 'replication')).includes('master_link_status:up');
  await eventually(isInSync, 'the replica in sync', 60_000);
}

/** Waits for data in a replica: its link is `up` before the master sends what was written since the first copy. */
export async function waitForCopy(replica: RedisServer | undefined): Promise<void> {
  await eventually(
    async () => (await replica?.command('DBSIZE')) !== ':0',
    'the data in the replica',
    60_000,
  );
}
