import assert from 'node:assert/strict';
import type { CaseBody } from './contract-harness.js';
import {
  changesOf,
  localPresence,
  waitForMembers,
  presenceNode,
  presenceStoreOf,
} from './presence-harness.js';

/** Presence over several nodes of one backend. */
export const sharedPresenceCases: Readonly<Record<string, CaseBody>> = {
  'a user at several nodes joins once and leaves once, and every node receives both changes': async (
    harness,
  ) => {
    const nodes = [
      await presenceNode(harness, 'a'),
      await presenceNode(harness, 'a'),
      await presenceNode(harness, 'a'),
    ] as const;
    const [one, two, three] = nodes;
    presenceStoreOf(one).set('a', 'ann', localPresence(1));
    await waitForMembers(three, 'a', 'ann 1');
    presenceStoreOf(two).set('a', 'ann', localPresence(2));
    await waitForMembers(three, 'a', 'ann 3');
    presenceStoreOf(one).set('a', 'ann', undefined);
    await waitForMembers(three, 'a', 'ann 2');
    presenceStoreOf(two).set('a', 'ann', undefined);
    await waitForMembers(three, 'a');
    for (const [n, node] of nodes.entries()) {
      await node.settle(`own ${n}`);
      assert.deepEqual(changesOf(node), ['join ann', 'leave ann']);
    }
  },

  'the info of a user is the one set last': async (harness) => {
    const [one, two] = [await presenceNode(harness), await presenceNode(harness)] as const;
    presenceStoreOf(one).set('a', 'ann', localPresence(1, '{"from":1}'));
    await waitForMembers(two, 'a', 'ann 1');
    presenceStoreOf(two).set('a', 'ann', localPresence(1, '{"from":2}'));
    await waitForMembers(one, 'a', 'ann 2');
    const infos = async (): Promise<unknown[]> =>
      (await presenceStoreOf(two).members('a')).map(({ info }) => info);
    assert.deepEqual(await infos(), ['{"from":2}']);
    presenceStoreOf(two).set('a', 'ann', undefined);
    await waitForMembers(one, 'a', 'ann 1');
    assert.deepEqual(await infos(), ['{"from":1}']);
  },

  'a user who reconnects at another node within the grace period of a closing node does not leave': async (
    harness,
  ) => {
    const [staying, leaving] = [await presenceNode(harness, 'a'), await presenceNode(harness, 'a')] as const;
    presenceStoreOf(leaving).set('a', 'returning', localPresence(0));
    presenceStoreOf(leaving).set('a', 'gone', localPresence(0));
    await waitForMembers(staying, 'a', 'returning 0', 'gone 0');
    // Long enough for a slow machine to set the user again in time.
    await presenceStoreOf(leaving).close(1_500);
    await leaving.broker.close();
    presenceStoreOf(staying).set('a', 'returning', localPresence(1));
    await waitForMembers(staying, 'a', 'returning 1');
    await staying.settle('b');
    assert.deepEqual(changesOf(staying).toSorted(), ['join gone', 'join returning', 'leave gone']);
  },

  'the users of a node that closes without a grace period leave at once': async (harness) => {
    const [staying, leaving] = [await presenceNode(harness, 'a'), await presenceNode(harness, 'a')] as const;
    presenceStoreOf(leaving).set('a', 'ann', localPresence(2));
    presenceStoreOf(leaving).set('a', 'bob', localPresence(1));
    presenceStoreOf(staying).set('a', 'bob', localPresence(1));
    await waitForMembers(staying, 'a', 'ann 2', 'bob 2');
    await presenceStoreOf(leaving).close(0);
    await leaving.broker.close();
    await waitForMembers(staying, 'a', 'bob 1');
    await staying.settle('b');
    assert.deepEqual(changesOf(staying).toSorted(), ['join ann', 'join bob', 'leave ann']);
  },
};
