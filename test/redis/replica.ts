import { eventually } from '../support/within.js';
import { RedisServer, sendCommand } from './redis-server.js';

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

/** Waits until a replica has everything that its master had accepted at the time of the call. */
export async function waitForCopy(replica: RedisServer | undefined): Promise<void> {
  if (replica === undefined) return;
  const masterPort = await replicationField(replica.port, 'master_port');
  const accepted = await replicationField(masterPort, 'master_repl_offset');
  await eventually(
    async () => (await replicationField(replica.port, 'slave_repl_offset')) >= accepted,
    'the data in the replica',
    60_000,
  );
}

async function replicationField(port: number, field: string): Promise<number> {
  const [, value] =
    new RegExp(`^${field}:(\\d+)`, 'm').exec(await sendCommand(port, 'INFO', 'replication')) ?? [];
  if (value === undefined) throw new Error(`the server on port ${port} has no ${field}`);
  return Number(value);
}
