import assert from 'node:assert/strict';
import { SseError } from '../protocol/sse-error.js';
import { numbers, type HarnessNode, type CaseBody } from './contract-harness.js';

async function tell(node: HarnessNode, text: string): Promise<void> {
  assert.ok(
    'publishControl' in node.broker,
    "the broker has no `publishControl`: say so with `without: ['publishControl']`",
  );
  await node.broker.publishControl?.(text);
}

/** What is said to all nodes. */
export const controlCases: Readonly<Record<string, CaseBody>> = {
  'what is told is heard at the node itself, once, in order and as it was said': async (bench) => {
    const node = await bench.node();
    const texts = ['', '{"a":1}', 'two\nlines', 'zürich 🙂 \u2028', '\u0000', 'p 1', ...numbers(50)];
    await Promise.all(texts.map((text) => tell(node, text)));
    await node.until(() => node.told.length >= texts.length, 'all that was told');
    await node.settle('a');
    assert.deepEqual(node.told, texts);
    assert.deepEqual(node.heard, [], 'it is no event');
  },

  'after close, publishControl is refused': async (bench) => {
    const node = await bench.node();
    await node.broker.close();
    await assert.rejects(
      () => tell(node, 'too late'),
      (error) => error instanceof SseError && error.code === 'broker-closed',
    );
    assert.deepEqual(node.told, []);
  },
};

/** The same, for several nodes on one memory. */
export const sharedControlCases: Readonly<Record<string, CaseBody>> = {
  'what is told at one node is heard at every node, once': async (bench) => {
    const nodes = [await bench.node(), await bench.node(), await bench.node()] as const;
    for (const [n, node] of nodes.entries()) for (const text of numbers(10)) await tell(node, `${n} ${text}`);
    for (const node of nodes) {
      await node.until(() => node.told.length >= 30, 'all that was told');
      await node.settle('a');
      assert.deepEqual(node.told, nodes[0].told);
      assert.deepEqual(node.told.toSorted(), [0, 1, 2].flatMap((n) => numbers(10, `${n} `)).toSorted());
    }
  },
};
