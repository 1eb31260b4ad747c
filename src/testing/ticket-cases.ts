import assert from 'node:assert/strict';
import type { TicketStore } from '../broker/ticket-store.interface.js';
import { SseError } from '../protocol/sse-error.js';
import { numbers, type CaseBody, type HarnessNode } from './contract-harness.js';

/** A key in the form of those of the module. */
const KEY = 'k'.repeat(43);
const TTL_MS = 60_000;

function ticketsOf({ broker }: HarnessNode): TicketStore {
  assert.ok(broker.tickets, "the broker lacks `tickets`: pass `without: ['tickets']`");
  return broker.tickets;
}

function isClosedError(error: unknown): boolean {
  return error instanceof SseError && error.code === 'broker-closed';
}

/** Tickets on one node. */
export const ticketCases: Readonly<Record<string, CaseBody>> = {
  'a stored ticket is read unchanged, taken once, and then gone': async (harness) => {
    const tickets = ticketsOf(await harness.node());
    const texts = ['x', 'a-_'.repeat(50_000), '{"user":"ann"}', 'zürich 🙂'];
    for (const [n, text] of texts.entries()) await tickets.put(`${KEY.slice(1)}${n}`, text, TTL_MS);
    for (const [n, text] of texts.entries()) {
      const key = `${KEY.slice(1)}${n}`;
      assert.equal(await tickets.read(key), text);
      assert.equal(await tickets.read(key), text);
      assert.equal(await tickets.take(key), text);
      assert.equal(await tickets.take(key), undefined, 'a ticket was taken twice');
      assert.equal(await tickets.read(key), undefined, 'a taken ticket was read');
    }
  },

  'an unknown ticket is neither read nor taken': async (harness) => {
    const tickets = ticketsOf(await harness.node());
    for (const key of [KEY, '__proto__', 'constructor'])
      assert.deepEqual([await tickets.read(key), await tickets.take(key)], [undefined, undefined]);
  },

  'a ticket of which many calls at once are made is taken by exactly one': async (harness) => {
    const tickets = ticketsOf(await harness.node());
    await tickets.put(KEY, 'text', TTL_MS);
    const taken = await Promise.all(numbers(50).map(() => tickets.take(KEY)));
    assert.deepEqual(
      taken.filter((text) => text !== undefined),
      ['text'],
    );
  },

  'a ticket is gone after its time, and not before': async (harness) => {
    const node = await harness.node();
    const tickets = ticketsOf(node);
    await tickets.put(KEY, 'short', 150);
    await tickets.put('l'.repeat(43), 'long', TTL_MS);
    await node.until(async () => (await tickets.read(KEY)) === undefined, 'the end of the ticket');
    assert.equal(await tickets.take(KEY), undefined);
    assert.equal(await tickets.take('l'.repeat(43)), 'long');
  },

  'tickets reject after close': async (harness) => {
    const node = await harness.node();
    const tickets = ticketsOf(node);
    await node.broker.close();
    await assert.rejects(() => tickets.put(KEY, 'text', TTL_MS), isClosedError);
    await assert.rejects(() => tickets.take(KEY), isClosedError);
    await assert.rejects(() => tickets.read(KEY), isClosedError);
  },
};

/** Tickets of several nodes of one backend. */
export const sharedTicketCases: Readonly<Record<string, CaseBody>> = {
  'a ticket of one node is read and taken by every node, by exactly one of them': async (harness) => {
    const nodes = [await harness.node(), await harness.node(), await harness.node()] as const;
    for (let round = 0; round < 20; round++) {
      await ticketsOf(nodes[round % 2 === 0 ? 0 : 1]).put(KEY, `text ${round}`, TTL_MS);
      const read = await Promise.all(nodes.map((node) => ticketsOf(node).read(KEY)));
      assert.deepEqual(new Set(read), new Set([`text ${round}`]));
      const taken = await Promise.all(nodes.flatMap((node) => [0, 1].map(() => ticketsOf(node).take(KEY))));
      assert.deepEqual(
        taken.filter((text) => text !== undefined),
        [`text ${round}`],
      );
    }
  },

  'a ticket outlives the node that has stored it': async (harness) => {
    const nodes = [await harness.node(), await harness.node()] as const;
    await ticketsOf(nodes[0]).put(KEY, 'text', TTL_MS);
    await nodes[0].broker.close();
    assert.equal(await ticketsOf(nodes[1]).take(KEY), 'text');
  },
};
