import assert from 'node:assert/strict';
import { controlChannelOf, type ControlChannel } from '../broker/control-channel.interface.js';
import { SseError } from '../protocol/sse-error.js';
import { numbers, type HarnessNode, type CaseBody } from './contract-harness.js';

function controlOf({ broker }: HarnessNode): ControlChannel {
  const channel = controlChannelOf(broker);
  assert.ok(channel, "the broker lacks `publishControl` or `nodes`: pass `without: ['publishControl']`");
  return channel;
}

async function publishControl(node: HarnessNode, text: string, to?: string): Promise<void> {
  await controlOf(node).publishControl(text, to);
}

/** Ids of the nodes that a node lists. */
async function nodesOf(node: HarnessNode): Promise<string[]> {
  return (await controlOf(node).nodes()).map(({ id }) => id).toSorted();
}

function isClosedError(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-closed';
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
    await assert.rejects(() => publishControl(node, 'too late'), isClosedError);
    await assert.rejects(() => nodesOf(node), isClosedError);
    assert.deepEqual(node.controlTexts, []);
  },

  'a node lists itself, with an id of letters, digits, "-" and "_", and a name': async (harness) => {
    const node = await harness.node();
    const { nodeId } = controlOf(node);
    assert.match(nodeId, /^[\w-]{1,64}$/);
    const [own, ...others] = await controlOf(node).nodes();
    assert.deepEqual([own?.id, others.length], [nodeId, 0]);
    assert.match(own?.name ?? '', /./);
  },

  'a control message for one node reaches that node once, unchanged': async (harness) => {
    const node = await harness.node();
    for (const text of numbers(20)) await publishControl(node, text, controlOf(node).nodeId);
    await node.until(() => node.controlTexts.length >= 20, 'all control messages');
    await node.settle('a');
    assert.deepEqual(node.controlTexts, numbers(20));
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

  'every node lists the nodes that have started, and soon none that has closed': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    const ids = nodes.map((node) => controlOf(node).nodeId).toSorted();
    for (const node of nodes) {
      await node.until(async () => (await nodesOf(node)).length >= 3, 'the list of nodes');
      assert.deepEqual(await nodesOf(node), ids);
    }
    await nodes[2].broker.close();
    const left = ids.filter((id) => id !== controlOf(nodes[2]).nodeId);
    await nodes[0].until(async () => (await nodesOf(nodes[0])).length <= 2, 'the end of a node');
    assert.deepEqual(await nodesOf(nodes[0]), left);
  },

  'a control message for one node reaches it from every node': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    const { nodeId } = controlOf(nodes[0]);
    for (const [n, node] of nodes.entries()) await publishControl(node, `from ${n}`, nodeId);
    await nodes[0].until(() => nodes[0].controlTexts.length >= 3, 'the control messages');
    await nodes[0].settle('a');
    assert.deepEqual(nodes[0].controlTexts.toSorted(), ['from 0', 'from 1', 'from 2']);
  },
};
