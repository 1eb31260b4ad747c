import assert from 'node:assert/strict';
import type {
  RunBounds,
  RunLease,
  RunPage,
  RunRead,
  RunRecord,
  RunStore,
} from '../../broker/run-store.interface.js';
import type { HarnessNode } from '../contract-harness.js';

export const RUN = 'chats/7';
export const LEASE: RunLease = { run: RUN, epoch: 'a0b1c2d3e4f5g6h7' };
export const OTHER: RunLease = { run: RUN, epoch: 'z9y8x7w6v5u4t3s2' };
export const BOUNDS: RunBounds = { leaseMs: 60_000, keepMs: 60_000, maxEntries: 10_000, maxBytes: 2 ** 23 };
/** The shortest lease. */
export const SHORT_LEASE_MS = 1_000;

export function runsOf({ broker }: HarnessNode): RunStore {
  assert.ok(broker.runs, "the broker has no `runs`: pass `without: ['runs']`");
  return broker.runs;
}

export function start(
  node: HarnessNode,
  lease: RunLease = LEASE,
  { restart = false, ...bounds }: Partial<RunBounds> & { restart?: boolean } = {},
): Promise<RunRecord> {
  return runsOf(node).start({ ...BOUNDS, ...bounds, ...lease, restart });
}

export async function read(node: HarnessNode, more: Partial<RunRead> = {}): Promise<RunPage | undefined> {
  return runsOf(node).read({ run: RUN, after: 0, maxBytes: 2 ** 23, follows: false, ...more });
}

/** Reads a run that has to exist. */
export async function page(node: HarnessNode, more: Partial<RunRead> = {}): Promise<RunPage> {
  const found = await read(node, more);
  assert.ok(found, 'there is no such run');
  return found;
}

/** The state, the reason and the counts of a record in one text. */
export function summary(record: RunRecord | undefined): string {
  if (record === undefined) return 'none';
  const { state, reason = '-', entries, firstKept } = record;
  return `${state} ${reason} ${entries} from ${firstKept}`;
}

export function isClosedError(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'broker-closed';
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
