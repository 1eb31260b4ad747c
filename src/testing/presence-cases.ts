import assert from 'node:assert/strict';
import { parsePresenceEvent } from '../protocol/presence-event.js';
import type { CaseBody } from './contract-harness.js';
import { seededRandom } from './seeded-random.js';
import {
  changesOf,
  localPresence,
  waitForMembers,
  presenceNode,
  presenceStoreOf,
} from './presence-harness.js';

const ODD_NAMES = ['__proto__', 'a b', '{tag}', '"quoted"', 'zürich 🙂', ' ', '7', 'x'.repeat(255)];

function infoOf(name: string): string {
  return JSON.stringify({ name, 'kéy "1"': [null, 'line\nbreak', '🙂'] });
}

function sortedJson(changes: readonly unknown[]): string[] {
  return changes.map((change) => JSON.stringify(change)).toSorted();
}

/** Presence on one node. */
export const presenceCases: Readonly<Record<string, CaseBody>> = {
  'a user joins with the first connection and leaves after the last': async (harness) => {
    const node = await presenceNode(harness, 'a');
    const store = presenceStoreOf(node);
    await waitForMembers(node, 'a');
    store.set('a', 'ann', localPresence(1));
    await waitForMembers(node, 'a', 'ann 1');
    store.set('a', 'ann', localPresence(3));
    store.set('a', 'bob', localPresence(1));
    await waitForMembers(node, 'a', 'ann 3', 'bob 1');
    store.set('a', 'ann', localPresence(0));
    await waitForMembers(node, 'a', 'ann 0', 'bob 1');
    store.set('a', 'ann', undefined);
    store.set('a', 'nobody', undefined);
    await waitForMembers(node, 'a', 'bob 1');
    await node.receives(3);
    await node.settle('b');
    assert.deepEqual(changesOf(node), ['join ann', 'join bob', 'leave ann']);
  },

  'user names and infos may be any text': async (harness) => {
    const rooms = ['*', 'a:b', '{tag}', 'zürich/🙂'];
    const node = await presenceNode(harness, ...rooms);
    const all = rooms.flatMap((room) => ODD_NAMES.map((name) => ({ room, name })));
    for (const { room, name } of all) presenceStoreOf(node).set(room, name, localPresence(1, infoOf(name)));
    for (const room of rooms) {
      await waitForMembers(node, room, ...ODD_NAMES.map((name) => `${name} 1`));
      for (const { user, info } of await presenceStoreOf(node).members(room))
        assert.equal(info, infoOf(user));
    }
    for (const { room, name } of all) presenceStoreOf(node).set(room, name, undefined);
    await node.receives(2 * all.length);
    const expected = ['join', 'leave'].flatMap((type) =>
      all.map(({ room, name }) => ({ type, room, user: name, info: JSON.parse(infoOf(name)) as unknown })),
    );
    const changes = node.received.map((message) => parsePresenceEvent(message));
    assert.deepEqual(
      sortedJson(changes),
      sortedJson(expected),
      'each change once, and a leave carries the info too',
    );
  },

  'presence changes are delivered in subscribed rooms only': async (harness) => {
    const node = await presenceNode(harness, 'a');
    presenceStoreOf(node).set('b', 'ann', localPresence(1));
    presenceStoreOf(node).set('a', 'ann', localPresence(1));
    await waitForMembers(node, 'b', 'ann 1');
    await waitForMembers(node, 'a', 'ann 1');
    await node.settle('c');
    assert.deepEqual(
      node.received.map(({ rooms }) => rooms),
      [['a']],
    );
  },

  'after many changes the store has the last state of each user': async (harness) => {
    const node = await presenceNode(harness);
    const random = seededRandom(5);
    const truth = new Map<string, string>();
    for (let step = 0; step < 2_000; step++) {
      const user = `user ${Math.floor(random() * 30)}`;
      const connections = Math.floor(random() * 4);
      const isGone = random() < 0.4;
      presenceStoreOf(node).set('a', user, isGone ? undefined : localPresence(connections));
      if (isGone) truth.delete(user);
      else truth.set(user, `${user} ${connections}`);
      if (step % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await waitForMembers(node, 'a', ...truth.values());
  },

  'members and count reject after close': async (harness) => {
    const node = await presenceNode(harness, 'a');
    presenceStoreOf(node).set('a', 'ann', localPresence(1));
    await waitForMembers(node, 'a', 'ann 1');
    await presenceStoreOf(node).close(0);
    await node.broker.close();
    presenceStoreOf(node).set('a', 'bob', localPresence(1));
    await assert.rejects(async () => presenceStoreOf(node).members('a'), { code: 'broker-closed' });
    await assert.rejects(async () => presenceStoreOf(node).count('a'), { code: 'broker-closed' });
  },
};
