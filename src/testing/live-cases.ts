import assert from 'node:assert/strict';
import { isAscending, numbers, type CaseBody } from './contract-harness.js';

const ODD_ROOMS = [
  '*',
  '__proto__',
  'constructor',
  'a:b',
  '{tag}',
  'a{b}c',
  'with space',
  'zürich/🙂',
  '?[x]*',
  'x'.repeat(255),
];

/** Live delivery on one node. */
export const liveCases: Readonly<Record<string, CaseBody>> = {
  'a node receives its own events once each, in the order of their positions': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a');
    const receipts = await node.publishMany('a', 200);
    await node.receives(200);
    await node.settle('a');
    assert.deepEqual(node.texts, numbers(200), 'events were reordered, lost or delivered twice');
    assert.deepEqual(
      node.positions,
      receipts.map(({ position }) => position),
      'the receipt has the position of its event',
    );
  },

  'only events of subscribed rooms are delivered': async (harness) => {
    const node = await harness.node();
    await node.publish('a', 'before');
    await node.subscribe('a');
    await node.publish('b', 'elsewhere');
    await node.publish('a', 'after');
    await node.settle('c');
    assert.deepEqual(node.texts, ['after']);
  },

  'an event to several rooms has one position and is delivered once': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a', 'b', 'd');
    const receipt = await node.publish(['a', 'b', 'c'], 'everywhere');
    await node.settle('d');
    assert.equal(node.received.length, 1, 'onMessage is called once per event, not once per subscribed room');
    const [message] = node.received;
    assert.deepEqual(message?.rooms.toSorted(), ['a', 'b', 'c']);
    assert.equal(message?.position, receipt.position);
  },

  'positions ascend over all rooms and are close to the current time': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a', 'b', 'c');
    const rooms = ['a', 'b', ['a', 'c'], 'c', ['c', 'b', 'a']];
    await Promise.all(numbers(300).map((text, n) => node.publish(rooms[n % rooms.length] as string, text)));
    await node.receives(300);
    assert.ok(
      isAscending(node.positions),
      'each event has a greater position than the one delivered before it',
    );
    for (const position of node.positions) {
      assert.ok(Number.isSafeInteger(position));
      assert.ok(Math.abs(position / 1_000 - Date.now()) < 60_000, 'positions are microseconds since 1970');
    }
    assert.ok(
      node.broker.position >= (node.positions.at(-1) as number),
      '`position` is at least the position of the last delivered event',
    );
  },

  'an event is delivered with its fields unchanged': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a');
    const texts = [
      '',
      ' ',
      'two\nlines',
      '\r\n',
      '\u0000',
      'zürich 🙂 \u2028',
      '{"a":1}',
      'x'.repeat(262_144),
    ];
    for (const data of texts) await node.publish('a', data);
    await node.broker.publish(
      ['a'],
      { event: 'paid', data: '7', serialized: true },
      { except: ['one', 'two'] },
    );
    await node.receives(texts.length + 1);
    assert.deepEqual(node.texts.slice(0, -1), texts);
    for (const message of node.received.slice(0, -1)) {
      assert.equal(message.event, undefined);
      assert.equal(message.serialized, false);
      assert.equal(message.except?.length ?? 0, 0);
      assert.equal(message.volatile, false);
      assert.equal(message.replayable, true);
      assert.equal(message.epoch, node.broker.epoch);
    }
    const last = node.received.at(-1);
    assert.equal(last?.event, 'paid');
    assert.equal(last?.serialized, true);
    assert.deepEqual(last?.except, ['one', 'two']);
  },

  'the earlier copies of an event are delivered with it, live and from history': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a');
    const copies = [{ partition: 3, position: 1_790_000_000_000_000, rooms: ['b', 'zürich 🙂'] }];
    const { position } = await node.publish('a', 'copy', { copies });
    await node.publish('a', 'volatile copy', { copies, volatile: true });
    await node.receives(2);
    for (const message of node.received) assert.deepEqual(message.copies, copies);
    const page = await node.read(['a'], position - 1);
    assert.deepEqual(page.messages[0]?.copies, copies);
  },

  'a room may have any name': async (harness) => {
    const node = await harness.node();
    await node.subscribe(...ODD_ROOMS);
    const start = (await node.read(['*'], undefined, 0)).position;
    for (const room of ODD_ROOMS) await node.publish(room, room);
    await node.receives(ODD_ROOMS.length);
    assert.deepEqual(
      node.received.map(({ rooms }) => rooms),
      ODD_ROOMS.map((room) => [room]),
    );
    for (const room of ODD_ROOMS) {
      const page = await node.read([room], start);
      assert.deepEqual(
        page.messages.map(({ data }) => data),
        [room],
        `the history of ${JSON.stringify(room)}`,
      );
    }
  },

  'an event published inside onMessage is delivered after the current one': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a', 'b');
    let depth = 0;
    const published: Promise<unknown>[] = [];
    node.onMessage = ({ data, rooms }) => {
      assert.equal(++depth, 1, 'onMessage is not called inside onMessage');
      const n = Number(data);
      if (rooms.includes('a') && n < 20 && published.length < 100) {
        published.push(node.publish(['b', 'a'], String(n + 1)), node.publish('b', `echo ${n}`));
      }
      depth--;
    };
    await node.publish('a', '0');
    await node.receives(41);
    await Promise.all(published);
    assert.ok(isAscending(node.positions), 'delivered in the order of the positions');
    const expected = ['0', ...numbers(20).flatMap((_, n) => [`${n + 1}`, `echo ${n}`])];
    assert.deepEqual(node.texts.toSorted(), expected.toSorted(), 'each event once');
  },

  'a volatile event is delivered and not stored': async (harness) => {
    const node = await harness.node();
    await node.subscribe('a');
    const first = await node.publish('a', 'first');
    const receipt = await node.publish('a', 'volatile', { volatile: true });
    await node.publish('a', 'last');
    await node.receives(3);
    assert.equal(receipt.replayable, false);
    assert.deepEqual(node.texts, ['first', 'volatile', 'last']);
    assert.deepEqual(
      node.received.map(({ replayable, volatile }) => [replayable, volatile]),
      [
        [true, false],
        [false, true],
        [true, false],
      ],
    );
    const page = await node.read(['a'], first.position);
    assert.deepEqual(
      page.messages.map(({ data }) => data),
      ['last'],
    );
    assert.deepEqual(page.incompleteRooms, [], 'a volatile event leaves no gap');
  },
};
