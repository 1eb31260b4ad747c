import assert from 'node:assert/strict';
import { SseError } from '../protocol/sse-error.js';
import { numbers, type HarnessNode, type CaseBody } from './contract-harness.js';

async function publishControl(node: HarnessNode, text: string): Promise<void> {
  assert.ok(
    'publishControl' in node.broker,
    "the broker has no `publishControl`: pass `without: ['publishControl']`",
  );
  await node.broker.publishControl?.(text);
}

/** Control messages on one node. */
export const controlCases: Readonly<Record<string, CaseBody>> = {
  'a control message reaches its own node once, in order and unchanged': async (harness) => {
    const node = await harness.node();
    const texts = ['', '{"a":1}', 'two\nlines', 'zürich 🙂 \u2028', '\u0000', 'p 1', ...numbers(50)];
    await Promise.all(texts.map((text) => publishControl(node, text)));
    await node.until(() => node.controlTexts.length >= texts.length, 'all control messages');
    await node.settle('a');
    assert.deepEqual(node.controlTexts, texts);
    assert.deepEqual(node.received, [], 'a control message is not delivered as an event');
  },

  'publishControl rejects after close': async (harness) => {
    const node = await harness.node();
    await node.broker.close();
    await assert.rejects(
      () => publishControl(node, 'too late'),
      (error) => error instanceof SseError && error.code === 'broker-closed',
    );
    assert.deepEqual(node.controlTexts, []);
  },
};

/** Control messages between nodes of one backend. */
export const sharedControlCases: Readonly<Record<string, CaseBody>> = {
  'a control message reaches every node once, in the same order': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    for (const [n, node] of nodes.entries())
      for (const text of numbers(10)) await publishControl(node, `${n} ${text}`);
    for (const node of nodes) {
      await node.until(() => node.controlTexts.length >= 30, 'all control messages');
      await node.settle('a');
      assert.deepEqual(node.controlTexts, nodes[0].controlTexts);
      assert.deepEqual(
        node.controlTexts.toSorted(),
        [0, 1, 2].flatMap((n) => numbers(10, `${n} `)).toSorted(),
      );
    }
  },
};
