import assert from 'node:assert/strict';
import type { PresenceStore, LocalPresence } from '../broker/presence-store.interface.js';
import { parsePresenceEvent } from '../protocol/presence-event.js';
import type { HarnessNode, ContractHarness } from './contract-harness.js';

export function storeOf(node: HarnessNode): PresenceStore {
  assert.ok(node.broker.presence, "the broker has no `presence`: say so with `without: ['presence']`");
  return node.broker.presence;
}

/** One more node that takes part, and hears these rooms. */
export async function member(bench: ContractHarness, ...rooms: string[]): Promise<HarnessNode> {
  const node = await bench.node();
  storeOf(node).open();
  await node.subscribe(...rooms);
  return node;
}

export function here(connections: number, info?: string): LocalPresence {
  return { connections, info };
}

/** `join ann`, `leave ann`, in the order in which they were heard. */
export function changesOf(node: HarnessNode): string[] {
  return node.heard.map((message) => {
    assert.deepEqual(
      [message.replayable, message.position, message.id],
      [false, 0, undefined],
      'it has no id',
    );
    const change = parsePresenceEvent(message);
    assert.deepEqual([change?.room], message.rooms);
    return `${change?.type} ${change?.user}`;
  });
}

/** Waits until the node's store says exactly this of a room: `ann 2` for two connections. */
export async function holds(node: HarnessNode, room: string, ...wanted: string[]): Promise<void> {
  let found: string[] = [];
  await node.until(
    async () => {
      const members = await storeOf(node).members(room);
      found = members.map(({ user, connections }) => `${user} ${connections}`).toSorted();
      return found.join('\n') === wanted.toSorted().join('\n');
    },
    () => `${JSON.stringify(wanted)} in ${room}; found: ${JSON.stringify(found)}`,
  );
  const connections = wanted.reduce((sum, text) => sum + Number(text.slice(text.lastIndexOf(' ') + 1)), 0);
  assert.deepEqual(await storeOf(node).count(room), { users: wanted.length, connections });
}
