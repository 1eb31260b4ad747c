import assert from 'node:assert/strict';
import { SseError } from '../protocol/sse-error.js';
import { numbers, textsOf, type CaseBody } from './contract-harness.js';

/** Retries, subscriptions, beginning and end. */
export const lifecycleCases: Readonly<Record<string, CaseBody>> = {
  'the epoch is eight hexadecimal digits': async (bench) => {
    const node = await bench.node();
    assert.match(node.broker.epoch, /^[0-9a-f]{8}$/);
    const receipt = await node.publish('a', 'text');
    assert.equal(receipt.epoch, node.broker.epoch);
  },

  'a retried publish is one event': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a');
    const first = await node.publish('a', 'once', { idempotencyKey: 'key 1' });
    const second = await node.publish('a', 'once', { idempotencyKey: 'key 1' });
    const other = await node.publish('a', 'another', { idempotencyKey: 'key 2' });
    await node.publish('a', 'without');
    await node.publish('a', 'without');
    await node.settle('b');
    assert.deepEqual([first.duplicate, second.duplicate, other.duplicate], [false, true, false]);
    assert.equal(second.position, first.position);
    assert.equal(second.replayable, first.replayable);
    assert.deepEqual(node.texts, ['once', 'another', 'without', 'without']);
    assert.deepEqual(textsOf(await node.read(['a'], undefined, 10)), node.texts);
  },

  'retries at the same time are one event': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a', 'b');
    const receipts = await Promise.all(
      numbers(10).map((text) => node.publish(['a', 'b'], text, { idempotencyKey: '__proto__' })),
    );
    await node.settle('b');
    assert.equal(node.heard.length, 1);
    assert.equal(receipts.filter(({ duplicate }) => !duplicate).length, 1);
    assert.equal(new Set(receipts.map(({ position }) => position)).size, 1);
  },

  'whatever is published once subscribe has resolved is heard': async (bench) => {
    const node = await bench.node();
    const rooms = numbers(50, 'room ');
    await Promise.all(
      rooms.map(async (room) => {
        await node.broker.subscribe(room);
        await node.publish(room, room);
      }),
    );
    await node.hears(50);
    assert.deepEqual(node.texts.toSorted(), rooms.toSorted());
  },

  'subscribe, then read: an event published meanwhile is heard or read': async (bench) => {
    const node = await bench.node();
    for (const n of numbers(30)) {
      const room = `room ${n}`;
      const { position: start } = await node.publish('elsewhere', n);
      const publishing = numbers(10, `${n} `).map((text) => node.publish(room, text));
      await node.broker.subscribe(room);
      publishing.push(...numbers(10, `${n} then `).map((text) => node.publish(room, text)));
      const page = await node.read([room], start);
      assert.deepEqual(page.incompleteRooms, []);
      await Promise.all(publishing);
      await node.settle('elsewhere');
      const heard = node.heard.filter((message) => message.rooms.includes(room));
      const positions = new Map(
        [...page.messages, ...heard].map((message) => [message.position, message.data]),
      );
      assert.deepEqual(
        [...positions].toSorted(([a], [b]) => a - b).map(([, text]) => text),
        [...numbers(10, `${n} `), ...numbers(10, `${n} then `)],
      );
      // What is newer than the page is heard: nothing lies between the two.
      const newer = [...positions.keys()].filter((position) => position > page.position);
      assert.ok(newer.every((position) => heard.some((message) => message.position === position)));
    }
  },

  'unsubscribe ends it, and subscribing again begins it again': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a', 'b');
    await node.publish('a', 'one');
    await node.hears(1);
    await node.broker.unsubscribe('a');
    await node.publish('a', 'unheard');
    await node.publish(['a', 'b'], 'through the other');
    await node.settle('b');
    assert.deepEqual(node.texts, ['one', 'through the other']);
    // Without waiting between: the last of the calls decides.
    void node.broker.unsubscribe('b');
    void node.broker.subscribe('a');
    void node.broker.unsubscribe('a');
    await node.subscribe('a', 'b');
    await node.publish('a', 'again');
    await node.publish('b', 'here too');
    await node.hears(4);
    assert.deepEqual(node.texts.slice(2), ['again', 'here too']);
    await node.broker.unsubscribe('never subscribed');
  },

  'after close, publish is refused and nothing is heard': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a');
    const last = node.publish('a', 'last').catch(() => {});
    await node.broker.close();
    await last;
    const heard = node.heard.length;
    await assert.rejects(
      () => node.publish('a', 'too late'),
      (error) => error instanceof SseError && error.code === 'broker-closed',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(node.heard.length, heard);
    await node.broker.close();
  },

  'before start, publish is refused': async (bench) => {
    const broker = await bench.unstarted();
    await assert.rejects(
      () => broker.publish(['a'], { data: 'too early', serialized: false }, {}),
      (error) => error instanceof SseError && error.code === 'broker-closed',
    );
  },
};
