import assert from 'node:assert/strict';
import type {
  UserStreamOutcome,
  UserStreamRule,
  UserStreamStore,
} from '../../broker/user-stream-store.interface.js';
import type { CaseBody, HarnessNode } from '../contract-harness.js';

const TWO: UserStreamRule = { max: 2, whenFull: 'refuse' };
const NEWEST_TWO: UserStreamRule = { max: 2, whenFull: 'end-oldest' };
const ADDED: UserStreamOutcome = { isAdded: true, tooMany: [] };
const REFUSED: UserStreamOutcome = { isAdded: false, tooMany: [] };

function storeOf({ broker }: HarnessNode): UserStreamStore {
  assert.ok(broker.userStreams, "the broker has no `userStreams`: pass `without: ['userStreams']`");
  return broker.userStreams;
}

function isClosedError(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'broker-closed';
}

/** Waits until a stream that was refused is added: a removal takes effect soon. */
async function becomesAdded(node: HarnessNode, user: string, client: string, rule = TWO): Promise<void> {
  let outcome = REFUSED;
  for (let attempt = 0; attempt < 200 && !outcome.isAdded; attempt++) {
    outcome = await storeOf(node).add(user, client, rule);
    if (!outcome.isAdded) await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.ok(outcome.isAdded, `${client} of ${user} is added after a removal`);
}

/** Streams of users on one node. */
export const userStreamCases: Readonly<Record<string, CaseBody>> = {
  'a user has no more streams than the rule allows, and other users have their own': async (harness) => {
    const node = await harness.node();
    const store = storeOf(node);
    for (const user of ['ann', 'zürich/🙂', '{tag}', 'a:b', 'ann ']) {
      assert.deepEqual(await store.add(user, `1-${user.length}-${user}`, TWO), ADDED);
      assert.deepEqual(await store.add(user, `2-${user.length}-${user}`, TWO), ADDED);
      assert.deepEqual(await store.add(user, `3-${user.length}-${user}`, TWO), REFUSED);
    }
  },

  'a stream that is added again counts once': async (harness) => {
    const store = storeOf(await harness.node());
    for (let n = 0; n < 3; n++) assert.deepEqual(await store.add('ann', 'c1', TWO), ADDED);
    assert.deepEqual(await store.add('ann', 'c2', TWO), ADDED);
    assert.deepEqual(await store.add('ann', 'c1', TWO), ADDED);
    assert.deepEqual(await store.add('ann', 'c3', TWO), REFUSED);
  },

  'a removed stream counts no more, and a removal of another one has no effect': async (harness) => {
    const node = await harness.node();
    const store = storeOf(node);
    for (const client of ['c1', 'c2']) await store.add('ann', client, TWO);
    for (const client of ['never added', 'c1', 'c1']) store.remove(client);
    await becomesAdded(node, 'ann', 'c3');
    assert.deepEqual(await store.add('ann', 'c4', TWO), REFUSED);
  },

  'a refused stream does not count, and its removal has no effect': async (harness) => {
    const node = await harness.node();
    const store = storeOf(node);
    for (const client of ['c1', 'c2']) await store.add('ann', client, TWO);
    assert.deepEqual(await store.add('ann', 'c3', TWO), REFUSED);
    store.remove('c3');
    store.remove('c2');
    await becomesAdded(node, 'ann', 'c4');
    assert.deepEqual(await store.add('ann', 'c3', TWO), REFUSED);
  },

  'a stream that is removed while it is added counts no more': async (harness) => {
    const node = await harness.node();
    const store = storeOf(node);
    const adding = ['c1', 'c2'].map(async (client) => store.add('ann', client, TWO));
    for (const client of ['c1', 'c2']) store.remove(client);
    await Promise.all(adding);
    await becomesAdded(node, 'ann', 'c3');
    await becomesAdded(node, 'ann', 'c4');
  },

  'of many calls at once no more are added than the rule allows': async (harness) => {
    const store = storeOf(await harness.node());
    const clients = Array.from({ length: 30 }, (_, n) => `c${n}`);
    const outcomes = await Promise.all(clients.map(async (client) => store.add('ann', client, TWO)));
    assert.equal(outcomes.filter(({ isAdded }) => isAdded).length, 2);
  },

  'with end-oldest a stream is added, and the oldest ones are named until they are removed': async (
    harness,
  ) => {
    const node = await harness.node();
    const store = storeOf(node);
    assert.deepEqual(await store.add('ann', 'c1', NEWEST_TWO), ADDED);
    assert.deepEqual(await store.add('ann', 'c2', NEWEST_TWO), ADDED);
    assert.deepEqual(await store.add('ann', 'c3', NEWEST_TWO), { isAdded: true, tooMany: ['c1'] });
    assert.deepEqual(await store.add('ann', 'c4', NEWEST_TWO), { isAdded: true, tooMany: ['c1', 'c2'] });
    store.remove('c1');
    store.remove('c2');
    store.remove('c3');
    for (let attempt = 0; attempt < 200; attempt++) {
      if ((await store.add('ann', 'c5', NEWEST_TWO)).tooMany.length === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.deepEqual(await store.add('ann', 'c5', NEWEST_TWO), ADDED);
  },

  'adding a stream rejects after close, and a removal has no effect': async (harness) => {
    const node = await harness.node();
    await storeOf(node).add('ann', 'c1', TWO);
    await node.broker.close();
    await assert.rejects(async () => storeOf(node).add('ann', 'c2', TWO), isClosedError);
    storeOf(node).remove('c1');
  },
};

/** Streams of users between nodes of one backend. */
export const sharedUserStreamCases: Readonly<Record<string, CaseBody>> = {
  'the streams of a user count over all nodes, and only their own node removes them': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    assert.deepEqual(await storeOf(nodes[0]).add('ann', 'c1', TWO), ADDED);
    assert.deepEqual(await storeOf(nodes[1]).add('ann', 'c2', TWO), ADDED);
    assert.deepEqual(await storeOf(nodes[2]).add('ann', 'c3', TWO), REFUSED);
    storeOf(nodes[2]).remove('c1');
    assert.deepEqual(await storeOf(nodes[2]).add('ann', 'c3', TWO), REFUSED);
    storeOf(nodes[0]).remove('c1');
    await becomesAdded(nodes[2], 'ann', 'c3');
    assert.deepEqual(await storeOf(nodes[0]).add('ann', 'c4', TWO), REFUSED);
  },

  'of calls at once on several nodes no more are added than the rule allows': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()];
    const outcomes = await Promise.all(
      nodes.flatMap((node, n) =>
        Array.from({ length: 10 }, async (_, k) => storeOf(node).add('ann', `c${n}-${k}`, TWO)),
      ),
    );
    assert.equal(outcomes.filter(({ isAdded }) => isAdded).length, 2);
  },

  'with end-oldest the oldest stream is named on whatever node it is': async (harness) => {
    const nodes = [await harness.node(), await harness.node()] as const;
    await storeOf(nodes[0]).add('ann', 'c1', NEWEST_TWO);
    await storeOf(nodes[1]).add('ann', 'c2', NEWEST_TWO);
    assert.deepEqual(await storeOf(nodes[1]).add('ann', 'c3', NEWEST_TWO), {
      isAdded: true,
      tooMany: ['c1'],
    });
    assert.deepEqual(await storeOf(nodes[0]).add('ann', 'c4', NEWEST_TWO), {
      isAdded: true,
      tooMany: ['c1', 'c2'],
    });
  },

  'the streams of a node that closes count no more': async (harness) => {
    const [staying, leaving] = [await harness.node(), await harness.node()] as const;
    for (const client of ['c1', 'c2']) await storeOf(leaving).add('ann', client, TWO);
    assert.deepEqual(await storeOf(staying).add('ann', 'c3', TWO), REFUSED);
    await leaving.broker.close();
    await becomesAdded(staying, 'ann', 'c3');
    await becomesAdded(staying, 'ann', 'c4');
  },
};
