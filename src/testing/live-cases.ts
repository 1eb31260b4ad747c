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

/** What is heard live. */
export const liveCases: Readonly<Record<string, CaseBody>> = {
  'a node hears its own events, each once, in the order of their positions': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a');
    const receipts = await node.publishMany('a', 200);
    await node.hears(200);
    await node.settle('a');
    assert.deepEqual(node.texts, numbers(200), 'published in one order, heard in another, or not once');
    assert.deepEqual(
      node.positions,
      receipts.map(({ position }) => position),
      'the position of a receipt is the position of its event',
    );
  },

  'an event is heard through onMessage only, and only in rooms that are subscribed': async (bench) => {
    const node = await bench.node();
    await node.publish('a', 'before');
    await node.subscribe('a');
    await node.publish('b', 'elsewhere');
    await node.publish('a', 'here');
    await node.settle('c');
    assert.deepEqual(node.texts, ['here']);
  },

  'an event in several rooms has one position and is one message': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a', 'b', 'd');
    const receipt = await node.publish(['a', 'b', 'c'], 'everywhere');
    await node.settle('d');
    assert.equal(node.heard.length, 1, 'onMessage is called once, however many of its rooms are subscribed');
    const [message] = node.heard;
    assert.deepEqual(message?.rooms.toSorted(), ['a', 'b', 'c']);
    assert.equal(message?.position, receipt.position);
  },

  'positions ascend over all rooms, and are about now': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a', 'b', 'c');
    const rooms = ['a', 'b', ['a', 'c'], 'c', ['c', 'b', 'a']];
    await Promise.all(numbers(300).map((text, n) => node.publish(rooms[n % rooms.length] as string, text)));
    await node.hears(300);
    assert.ok(isAscending(node.positions), 'each event has a greater position than the one heard before it');
    for (const position of node.positions) {
      assert.ok(Number.isSafeInteger(position));
      assert.ok(Math.abs(position / 1_000 - Date.now()) < 60_000, 'positions are microseconds since 1970');
    }
    assert.ok(node.broker.position >= (node.positions.at(-1) as number), 'the node knows what it has heard');
  },

  'what is said arrives as it was said': async (bench) => {
    const node = await bench.node();
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
    await node.hears(texts.length + 1);
    assert.deepEqual(node.texts.slice(0, -1), texts);
    for (const message of node.heard.slice(0, -1)) {
      assert.equal(message.event, undefined);
      assert.equal(message.serialized, false);
      assert.equal(message.except?.length ?? 0, 0);
      assert.equal(message.volatile, false);
      assert.equal(message.replayable, true);
      assert.equal(message.epoch, node.broker.epoch);
    }
    const last = node.heard.at(-1);
    assert.equal(last?.event, 'paid');
    assert.equal(last?.serialized, true);
    assert.deepEqual(last?.except, ['one', 'two']);
  },

  'the earlier copies of an event come with it, live and from history': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a');
    const copies = [{ partition: 3, position: 1_790_000_000_000_000, rooms: ['b', 'zürich 🙂'] }];
    const { position } = await node.publish('a', 'copy', { copies });
    await node.publish('a', 'volatile copy', { copies, volatile: true });
    await node.hears(2);
    for (const message of node.heard) assert.deepEqual(message.copies, copies);
    const page = await node.read(['a'], position - 1);
    assert.deepEqual(page.messages[0]?.copies, copies);
  },

  'a room may have any name': async (bench) => {
    const node = await bench.node();
    await node.subscribe(...ODD_ROOMS);
    const start = (await node.read(['*'], undefined, 0)).position;
    for (const room of ODD_ROOMS) await node.publish(room, room);
    await node.hears(ODD_ROOMS.length);
    assert.deepEqual(
      node.heard.map(({ rooms }) => rooms),
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

  'what is published within onMessage comes afterwards': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a', 'b');
    let depth = 0;
    const published: Promise<unknown>[] = [];
    node.onMessage = ({ data, rooms }) => {
      assert.equal(++depth, 1, 'onMessage is not called within onMessage');
      const n = Number(data);
      if (rooms.includes('a') && n < 20 && published.length < 100) {
        published.push(node.publish(['b', 'a'], String(n + 1)), node.publish('b', `echo ${n}`));
      }
      depth--;
    };
    await node.publish('a', '0');
    await node.hears(41);
    await Promise.all(published);
    assert.ok(isAscending(node.positions), 'heard in the order of the positions');
    const expected = ['0', ...numbers(20).flatMap((_, n) => [`${n + 1}`, `echo ${n}`])];
    assert.deepEqual(node.texts.toSorted(), expected.toSorted(), 'each once');
  },

  'a volatile event is heard and not kept': async (bench) => {
    const node = await bench.node();
    await node.subscribe('a');
    const first = await node.publish('a', 'first');
    const receipt = await node.publish('a', 'now or never', { volatile: true });
    await node.publish('a', 'last');
    await node.hears(3);
    assert.equal(receipt.replayable, false);
    assert.deepEqual(node.texts, ['first', 'now or never', 'last']);
    assert.deepEqual(
      node.heard.map(({ replayable, volatile }) => [replayable, volatile]),
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
    assert.deepEqual(page.incompleteRooms, [], 'a volatile event leaves no hole');
  },
};
