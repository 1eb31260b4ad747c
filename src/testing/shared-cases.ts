import assert from 'node:assert/strict';
import { isAscending, numbers, textsOf, type CaseBody } from './contract-harness.js';

/** Several nodes on one memory. */
export const sharedCases: Readonly<Record<string, CaseBody>> = {
  'every node hears every event, each once, all in one order': async (bench) => {
    const nodes = [await bench.node(), await bench.node(), await bench.node()];
    for (const node of nodes) await node.subscribe('a', 'b');
    await Promise.all(
      nodes.flatMap((node, n) => [
        node.publishMany('a', 100, `${n} `),
        node.publishMany(['b', 'a'], 20, `${n} both `),
      ]),
    );
    for (const [n, node] of nodes.entries()) {
      await node.hears(360);
      // Each in a room of its own, or the others would hear it too.
      await node.settle(`c${n}`);
      assert.equal(node.heard.length, 360);
      assert.ok(isAscending(node.positions), 'one order');
      assert.deepEqual(node.texts, nodes[0]?.texts);
      assert.deepEqual(node.positions, nodes[0]?.positions);
    }
    assert.equal(new Set(nodes.map(({ broker }) => broker.epoch)).size, 1, 'one memory, one epoch');
  },

  'a receipt of one node is read by another': async (bench) => {
    const writer = await bench.node();
    const reader = await bench.node();
    const [first] = await writer.publishMany('a', 5);
    for (let n = 5; n < 30; n++) {
      const { position } = await writer.publish('a', String(n));
      const page = await reader.read(['a'], first?.position);
      assert.deepEqual([textsOf(page), page.incompleteRooms], [numbers(n + 1).slice(1), []]);
      assert.ok(page.position >= position, 'the moment of a read is not before what it found');
    }
  },

  'a node that begins later knows what was said before': async (bench) => {
    const early = await bench.node();
    const [first, ...rest] = await early.publishMany('a', 10);
    const late = await bench.node();
    const page = await late.read(['a'], first?.position);
    assert.deepEqual([textsOf(page), page.incompleteRooms], [numbers(10).slice(1), []]);
    const { position } = await late.publish('a', 'next');
    assert.ok(position > (rest.at(-1)?.position as number));
  },

  'a retry at another node is one event': async (bench) => {
    const nodes = [await bench.node(), await bench.node()] as const;
    for (const node of nodes) await node.subscribe('a');
    const [first, second] = await Promise.all(
      nodes.map((node) => node.publish('a', 'once', { idempotencyKey: 'key' })),
    );
    assert.equal(first?.position, second?.position);
    assert.notEqual(first?.duplicate, second?.duplicate, 'one of them is the event, the other its retry');
    for (const node of nodes) {
      await node.settle('b');
      assert.deepEqual(node.texts, ['once']);
    }
  },

  'joining a room while another node publishes misses nothing': async (bench) => {
    const writer = await bench.node();
    const reader = await bench.node();
    for (const n of numbers(10)) {
      const room = `room ${n}`;
      const { position: start } = await writer.publish(room, 'start');
      const publishing = writer.publishMany(room, 50);
      await reader.broker.subscribe(room);
      const page = await reader.read([room], start);
      const last = (await publishing).at(-1)?.position as number;
      await reader.until(
        () => page.position >= last || reader.positions.includes(last),
        'the last event, read or heard',
      );
      const heard = reader.heard.filter(
        (message) => message.position > page.position && message.rooms.includes(room),
      );
      assert.deepEqual(
        [...page.messages, ...heard].map(({ data }) => data),
        numbers(50),
      );
      assert.deepEqual(page.incompleteRooms, []);
    }
  },

  'the position of a node never runs ahead of what it has heard': async (bench) => {
    const writer = await bench.node();
    const reader = await bench.node();
    await reader.subscribe('a', 'b');
    const late: string[] = [];
    let known = 0;
    reader.onMessage = ({ position, data }) => {
      if (position <= known) late.push(data);
    };
    const publishing = Promise.all([
      writer.publishMany(['a', 'b'], 200),
      reader.publishMany(['b', 'a'], 200, 'own '),
    ]);
    await reader.until(() => {
      known = reader.broker.position;
      return reader.heard.length >= 400;
    }, '400 messages');
    await publishing;
    assert.deepEqual(
      late,
      [],
      'an event came after the node had named its position, or a later one, as known',
    );
  },

  'a node that closes disturbs nobody': async (bench) => {
    const [staying, leaving] = [await bench.node(), await bench.node()] as const;
    for (const node of [staying, leaving]) await node.subscribe('a');
    await leaving.publish('a', 'goodbye');
    await leaving.broker.close();
    await staying.publish('a', 'still here');
    await staying.hears(2);
    assert.deepEqual(staying.texts, ['goodbye', 'still here']);
    assert.equal((await staying.read(['a'], undefined, 5)).messages.length, 2);
  },
};
