import assert from 'node:assert/strict';
import { SseError } from '../protocol/sse-error.js';
import { numbers, textsOf, type CaseBody } from './contract-harness.js';

/** Idempotent publishes, subscriptions, start and close. */
export const lifecycleCases: Readonly<Record<string, CaseBody>> = {
  'the epoch is eight hexadecimal digits': async (harness) => {
    const node = await harness.node();
    assert.match(node.broker.epoch, /^[0-9a-f]{8}$/);
    const receipt = await node.publish('a', 'text');
    assert.equal(receipt.epoch, node.broker.epoch);
  },

  'a retried publish with the same key is one event': async (harness) => {
    const node = await harness.node();
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

  'whenDelivered, where there is one, settles after the delivery of own events': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a');
    await Promise.all(numbers(20).map((text) => node.publish('a', text)));
    if (node.broker.whenDelivered === undefined) return;
    await node.broker.whenDelivered();
    assert.deepEqual(node.texts, numbers(20));
  },

  'concurrent publishes with the same key are one event': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a', 'b');
    const receipts = await Promise.all(
      numbers(10).map((text) => node.publish(['a', 'b'], text, { idempotencyKey: '__proto__' })),
    );
    await node.settle('b');
    assert.equal(node.received.length, 1);
    assert.equal(receipts.filter(({ duplicate }) => !duplicate).length, 1);
    assert.equal(new Set(receipts.map(({ position }) => position)).size, 1);
  },

  'an event published after subscribe has resolved is delivered': async (harness) => {
    const node = await harness.node();
    const rooms = numbers(50, 'room ');
    await Promise.all(
      rooms.map(async (room) => {
        await node.broker.subscribe(room);
        await node.publish(room, room);
      }),
    );
    await node.receives(50);
    assert.deepEqual(node.texts.toSorted(), rooms.toSorted());
  },

  'subscribe, then read: an event published meanwhile is delivered or read': async (harness) => {
    const node = await harness.node();
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
      const received = node.received.filter((message) => message.rooms.includes(room));
      const positions = new Map(
        [...page.messages, ...received].map((message) => [message.position, message.data]),
      );
      assert.deepEqual(
        [...positions].toSorted(([a], [b]) => a - b).map(([, text]) => text),
        [...numbers(10, `${n} `), ...numbers(10, `${n} then `)],
      );
      // Events after the page's position are delivered: no event falls between the page and the live events.
      const newer = [...positions.keys()].filter((position) => position > page.position);
      assert.ok(newer.every((position) => received.some((message) => message.position === position)));
    }
  },

  'unsubscribe stops the delivery of a room, and subscribe resumes it': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a', 'b');
    await node.publish('a', 'one');
    await node.receives(1);
    await node.broker.unsubscribe('a');
    await node.publish('a', 'not delivered');
    await node.publish(['a', 'b'], 'through room b');
    await node.settle('b');
    assert.deepEqual(node.texts, ['one', 'through room b']);
    // The calls are not awaited: the last one takes effect.
    void node.broker.unsubscribe('b');
    void node.broker.subscribe('a');
    void node.broker.unsubscribe('a');
    await node.subscribe('a', 'b');
    await node.publish('a', 'again');
    await node.publish('b', 'again in b');
    await node.receives(4);
    assert.deepEqual(node.texts.slice(2), ['again', 'again in b']);
    await node.broker.unsubscribe('never subscribed');
  },

  'publish rejects after close, and nothing is delivered any more': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a');
    const last = node.publish('a', 'last').catch(() => {});
    await node.broker.close();
    await last;
    const received = node.received.length;
    await assert.rejects(
      () => node.publish('a', 'too late'),
      (error) => error instanceof SseError && error.code === 'broker-closed',
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(node.received.length, received);
    await node.broker.close();
  },

  'publish rejects before start': async (harness) => {
    const broker = await harness.unstartedBroker();
    await assert.rejects(
      () => broker.publish(['a'], { data: 'too early', serialized: false }, {}),
      (error) => error instanceof SseError && error.code === 'broker-closed',
    );
  },
};
