import assert from 'node:assert/strict';
import type { CaseBody } from './contract-harness.js';
import { changesOf, here, holds, member, storeOf } from './presence-harness.js';

/** Who is where, for several nodes on one memory. */
export const sharedPresenceCases: Readonly<Record<string, CaseBody>> = {
  'a user at several nodes joins once and leaves once, and every node hears it': async (bench) => {
    const nodes = [await member(bench, 'a'), await member(bench, 'a'), await member(bench, 'a')] as const;
    const [one, two, three] = nodes;
    storeOf(one).set('a', 'ann', here(1));
    await holds(three, 'a', 'ann 1');
    storeOf(two).set('a', 'ann', here(2));
    await holds(three, 'a', 'ann 3');
    storeOf(one).set('a', 'ann', undefined);
    await holds(three, 'a', 'ann 2');
    storeOf(two).set('a', 'ann', undefined);
    await holds(three, 'a');
    for (const [n, node] of nodes.entries()) {
      await node.settle(`own ${n}`);
      assert.deepEqual(changesOf(node), ['join ann', 'leave ann']);
    }
  },

  'the info of a user is the one that was set last': async (bench) => {
    const [one, two] = [await member(bench), await member(bench)] as const;
    storeOf(one).set('a', 'ann', here(1, '{"from":1}'));
    await holds(two, 'a', 'ann 1');
    storeOf(two).set('a', 'ann', here(1, '{"from":2}'));
    await holds(one, 'a', 'ann 2');
    const infos = async (): Promise<unknown[]> => (await storeOf(two).members('a')).map(({ info }) => info);
    assert.deepEqual(await infos(), ['{"from":2}']);
    storeOf(two).set('a', 'ann', undefined);
    await holds(one, 'a', 'ann 1');
    assert.deepEqual(await infos(), ['{"from":1}']);
  },

  'who comes back at another node while the first one closes never left': async (bench) => {
    const [staying, leaving] = [await member(bench, 'a'), await member(bench, 'a')] as const;
    storeOf(leaving).set('a', 'back', here(0));
    storeOf(leaving).set('a', 'gone', here(0));
    await holds(staying, 'a', 'back 0', 'gone 0');
    // Long enough for a slow machine to come back in time.
    await storeOf(leaving).close(1_500);
    await leaving.broker.close();
    storeOf(staying).set('a', 'back', here(1));
    await holds(staying, 'a', 'back 1');
    await staying.settle('b');
    assert.deepEqual(changesOf(staying).toSorted(), ['join back', 'join gone', 'leave gone']);
  },

  'a node that closes without grace takes its users with it': async (bench) => {
    const [staying, leaving] = [await member(bench, 'a'), await member(bench, 'a')] as const;
    storeOf(leaving).set('a', 'ann', here(2));
    storeOf(leaving).set('a', 'bob', here(1));
    storeOf(staying).set('a', 'bob', here(1));
    await holds(staying, 'a', 'ann 2', 'bob 2');
    await storeOf(leaving).close(0);
    await leaving.broker.close();
    await holds(staying, 'a', 'bob 1');
    await staying.settle('b');
    assert.deepEqual(changesOf(staying).toSorted(), ['join ann', 'join bob', 'leave ann']);
  },
};
