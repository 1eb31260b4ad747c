import assert from 'node:assert/strict';
import type { PresenceStore, LocalPresence } from '../broker/presence-store.interface.js';
import { parsePresenceEvent } from '../protocol/presence-event.js';
import type { HarnessNode, ContractHarness } from './contract-harness.js';

export function presenceStoreOf(node: HarnessNode): PresenceStore {
  assert.ok(node.broker.presence, "the broker has no `presence`: pass `without: ['presence']`");
  return node.broker.presence;
}

/** Starts a node with an opened presence store, subscribed to `rooms`. */
export async function presenceNode(harness: ContractHarness, ...rooms: string[]): Promise<HarnessNode> {
  const node = await harness.node();
  presenceStoreOf(node).open();
  await node.subscribe(...rooms);
  return node;
}

export function localPresence(connections: number, info?: string): LocalPresence {
  return { connections, info };
}

/** Returns the received presence changes in order, as `join ann` or `leave ann`. */
export function changesOf(node: HarnessNode): string[] {
  return node.received.map((message) => {
    assert.deepEqual(
      [message.replayable, message.position, message.id],
      [false, 0, undefined],
      'a presence change has no id',
    );
    const change = parsePresenceEvent(message);
    assert.deepEqual([change?.room], message.rooms);
    return `${change?.type} ${change?.user}`;
  });
}

/** Waits until the store returns exactly these members of a room: `ann 2` is the user `ann` with two connections. */
export async function waitForMembers(node: HarnessNode, room: string, ...expected: string[]): Promise<void> {
  let found: string[] = [];
  await node.until(
    async () => {
      const members = await presenceStoreOf(node).members(room);
      found = members.map(({ user, connections }) => `${user} ${connections}`).toSorted();
      return found.join('\n') === expected.toSorted().join('\n');
    },
    () => `${JSON.stringify(expected)} in ${room}; found: ${JSON.stringify(found)}`,
  );
  const connections = expected.reduce((sum, text) => sum + Number(text.slice(text.lastIndexOf(' ') + 1)), 0);
  assert.deepEqual(await presenceStoreOf(node).count(room), { users: expected.length, connections });
}
