import assert from 'node:assert/strict';
import { parsePresenceEvent } from '../protocol/presence-event.js';
import type { CaseBody } from './contract-harness.js';
import { seededRandom } from './seeded-random.js';
import { changesOf, here, holds, member, storeOf } from './presence-harness.js';

const ODD_NAMES = [
  '__proto__',
  'a b',
  'a\nb',
  'a\u0000b',
  '{tag}',
  '"quoted"',
  'zürich 🙂',
  ' ',
  '7',
  'x'.repeat(255),
];

function infoOf(name: string): string {
  return JSON.stringify({ name, 'kéy "1"': [null, 'line\nbreak', '🙂'] });
}

function inOrder(changes: readonly unknown[]): string[] {
  return changes.map((change) => JSON.stringify(change)).toSorted();
}

/** Who is where. */
export const presenceCases: Readonly<Record<string, CaseBody>> = {
  'a user joins with the first connection and leaves with the last': async (bench) => {
    const node = await member(bench, 'a');
    const store = storeOf(node);
    await holds(node, 'a');
    store.set('a', 'ann', here(1));
    await holds(node, 'a', 'ann 1');
    store.set('a', 'ann', here(3));
    store.set('a', 'bob', here(1));
    await holds(node, 'a', 'ann 3', 'bob 1');
    store.set('a', 'ann', here(0));
    await holds(node, 'a', 'ann 0', 'bob 1');
    store.set('a', 'ann', undefined);
    store.set('a', 'nobody', undefined);
    await holds(node, 'a', 'bob 1');
    await node.hears(3);
    await node.settle('b');
    assert.deepEqual(changesOf(node), ['join ann', 'join bob', 'leave ann']);
  },

  'a user and what is said of it may be any text': async (bench) => {
    const rooms = ['*', 'a:b', '{tag}', 'zürich/🙂'];
    const node = await member(bench, ...rooms);
    const all = rooms.flatMap((room) => ODD_NAMES.map((name) => ({ room, name })));
    for (const { room, name } of all) storeOf(node).set(room, name, here(1, infoOf(name)));
    for (const room of rooms) {
      await holds(node, room, ...ODD_NAMES.map((name) => `${name} 1`));
      for (const { user, info } of await storeOf(node).members(room)) assert.equal(info, infoOf(user));
    }
    for (const { room, name } of all) storeOf(node).set(room, name, undefined);
    await node.hears(2 * all.length);
    const expected = ['join', 'leave'].flatMap((type) =>
      all.map(({ room, name }) => ({ type, room, user: name, info: JSON.parse(infoOf(name)) as unknown })),
    );
    const told = node.heard.map((message) => parsePresenceEvent(message));
    assert.deepEqual(inOrder(told), inOrder(expected), 'each once, a leave with the info as well');
  },

  'changes are heard in subscribed rooms only': async (bench) => {
    const node = await member(bench, 'a');
    storeOf(node).set('b', 'ann', here(1));
    storeOf(node).set('a', 'ann', here(1));
    await holds(node, 'b', 'ann 1');
    await holds(node, 'a', 'ann 1');
    await node.settle('c');
    assert.deepEqual(
      node.heard.map(({ rooms }) => rooms),
      [['a']],
    );
  },

  'after many changes the store is what was said last': async (bench) => {
    const node = await member(bench);
    const random = seededRandom(5);
    const truth = new Map<string, string>();
    for (let step = 0; step < 2_000; step++) {
      const user = `user ${Math.floor(random() * 30)}`;
      const connections = Math.floor(random() * 4);
      const isGone = random() < 0.4;
      storeOf(node).set('a', user, isGone ? undefined : here(connections));
      if (isGone) truth.delete(user);
      else truth.set(user, `${user} ${connections}`);
      if (step % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await holds(node, 'a', ...truth.values());
  },

  'after close nothing is known': async (bench) => {
    const node = await member(bench, 'a');
    storeOf(node).set('a', 'ann', here(1));
    await holds(node, 'a', 'ann 1');
    await storeOf(node).close(0);
    await node.broker.close();
    storeOf(node).set('a', 'bob', here(1));
    await assert.rejects(async () => storeOf(node).members('a'), { code: 'broker-closed' });
    await assert.rejects(async () => storeOf(node).count('a'), { code: 'broker-closed' });
  },
};
