import assert from 'node:assert/strict';
import type {
  ClaimedSession,
  SessionChange,
  SessionOutcome,
  SessionStore,
} from '../broker/session-store.interface.js';
import type { CaseBody, HarnessNode } from './contract-harness.js';

const KEY = 'session-0123456789abcdef';
const EPOCH = '0a1b2c3d';
/** A position as brokers give it: exact in a double, and longer than a 32-bit number. */
const POSITION = 1_764_000_000_000_123;
const TTL_MS = 60_000;
const ROOM = { room: 'a', epoch: EPOCH, position: POSITION };

function storeOf({ broker }: HarnessNode): SessionStore {
  assert.ok(broker.sessions, "the broker has no `sessions`: pass `without: ['sessions']`");
  return broker.sessions;
}

async function change(node: HarnessNode, one: SessionChange): Promise<SessionOutcome> {
  const [outcome, ...others] = await storeOf(node).change([one]);
  assert.ok(outcome !== undefined && others.length === 0, 'one outcome for each change');
  return outcome;
}

async function claim(
  node: HarnessNode,
  client: string,
  { user, key = KEY, ttlMs = TTL_MS }: { user?: string; key?: string; ttlMs?: number } = {},
): Promise<ClaimedSession> {
  const { result, session } = await change(node, { do: 'claim', key, user, client, node: 'n1', ttlMs });
  assert.equal(result, 'done');
  assert.ok(session);
  return session;
}

async function join(
  node: HarnessNode,
  room: string,
  more: { client?: string; user?: string; position?: number; maxRooms?: number; ofAllUsers?: boolean } = {},
): Promise<string> {
  const { position = POSITION, maxRooms = 100 } = more;
  return (await change(node, { do: 'join', key: KEY, room, epoch: EPOCH, ...more, position, maxRooms }))
    .result;
}

function roomsOf({ rooms }: ClaimedSession): string[] {
  return rooms.map(({ room, position }) => `${room} ${position - POSITION}`).toSorted();
}

function isClosedError(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'broker-closed';
}

/** Sessions on one node. */
export const sessionCases: Readonly<Record<string, CaseBody>> = {
  'a session has the rooms that it joined, each with the position of its first join': async (harness) => {
    const node = await harness.node();
    assert.deepEqual(await claim(node, 'c1'), { isNew: true, rooms: [], previous: undefined });
    assert.equal(await join(node, 'a'), 'done');
    assert.equal(await join(node, 'a', { position: POSITION + 5 }), 'done');
    for (const room of ['zürich/🙂', '{tag}', 'a:b', ' ']) await join(node, room);
    const { isNew, rooms } = await claim(node, 'c2');
    assert.equal(isNew, false);
    assert.deepEqual(
      rooms.map(({ room }) => room).toSorted(),
      ['a', 'zürich/🙂', '{tag}', 'a:b', ' '].toSorted(),
    );
    for (const each of rooms) assert.deepEqual([each.epoch, each.position], [EPOCH, POSITION]);
  },

  'a join of now has the position of its moment, also where it is repeated': async (harness) => {
    const node = await harness.node();
    if (storeOf(node).joinsNow !== true) return;
    const joinNow: SessionChange = { do: 'joinNow', key: KEY, room: 'a', maxRooms: 1 };
    await claim(node, 'c1');
    const { epoch, position } = await node.publish('elsewhere', 'before');
    assert.equal((await change(node, joinNow)).result, 'done');
    const after = await node.publish('elsewhere', 'after');
    await change(node, joinNow);
    const [joined] = (await claim(node, 'c2')).rooms;
    assert.ok(joined?.epoch === epoch && joined.position >= position && joined.position < after.position);
  },

  'a room that a session has left is not in it, and a later join has a position of its own': async (
    harness,
  ) => {
    const node = await harness.node();
    await claim(node, 'c1');
    for (const room of ['a', 'b', 'c']) await join(node, room);
    assert.equal((await change(node, { do: 'leave', key: KEY, room: 'a' })).result, 'done');
    assert.equal((await change(node, { do: 'leave', key: KEY, room: 'never joined' })).result, 'done');
    await join(node, 'a', { position: POSITION + 7 });
    assert.deepEqual(roomsOf(await claim(node, 'c2')), ['a 7', 'b 0', 'c 0']);
    await change(node, { do: 'leave', key: KEY, room: '*' });
    assert.deepEqual(roomsOf(await claim(node, 'c3')), []);
  },

  'the newest claim has the session, and its reply names the owner whose stream has not ended': async (
    harness,
  ) => {
    const node = await harness.node();
    await claim(node, 'c1');
    assert.deepEqual((await claim(node, 'c2')).previous, { client: 'c1', node: 'n1' });
    assert.equal(await join(node, 'a', { client: 'c1' }), 'taken');
    const late: SessionChange = { do: 'end', key: KEY, client: 'c1', ttlMs: 1 };
    assert.equal((await change(node, late)).result, 'taken');
    assert.equal((await change(node, { ...late, do: 'renew' })).result, 'taken');
    assert.equal(await join(node, 'b', { client: 'c2' }), 'done');
    assert.equal((await change(node, { ...late, client: 'c2', ttlMs: TTL_MS })).result, 'done');
    const { previous, ...rest } = await claim(node, 'c3');
    assert.equal(previous, undefined);
    assert.deepEqual(roomsOf({ ...rest }), ['b 0']);
  },

  'a repeated claim has the outcome of the first one': async (harness) => {
    const node = await harness.node();
    await claim(node, 'c1');
    assert.deepEqual(await claim(node, 'c1'), { isNew: true, rooms: [], previous: undefined });
    await claim(node, 'c2');
    assert.deepEqual(await claim(node, 'c2'), { isNew: false, rooms: [], previous: undefined });
  },

  'two users with one key, and a client without a user, have sessions of their own': async (harness) => {
    const node = await harness.node();
    for (const user of ['ann', 'bob', undefined]) {
      assert.equal((await claim(node, `of ${user}`.replace(' ', '-'), { user })).isNew, true);
      await join(node, `room of ${user}`, { user });
    }
    for (const user of ['ann', 'bob', undefined]) {
      const { rooms, previous } = await claim(node, 'next', { user });
      assert.deepEqual(
        rooms.map(({ room }) => room),
        [`room of ${user}`],
      );
      assert.equal(previous?.client, `of-${user}`);
    }
    assert.equal(await join(node, 'all', { ofAllUsers: true }), 'done');
    assert.deepEqual(roomsOf(await claim(node, 'last', { user: 'bob' })), ['all 0', 'room of bob 0']);
    await change(node, { do: 'leave', key: KEY, user: 'bob', room: 'all' });
    assert.deepEqual(roomsOf(await claim(node, 'last', { user: 'bob' })), ['room of bob 0']);
    assert.deepEqual(roomsOf(await claim(node, 'last')), ['all 0', 'room of undefined 0']);
  },

  'a session with the most rooms refuses another one, and keeps those that it has': async (harness) => {
    const node = await harness.node();
    await claim(node, 'c1');
    for (const room of ['a', 'b']) assert.equal(await join(node, room, { maxRooms: 2 }), 'done');
    assert.equal(await join(node, 'c', { maxRooms: 2 }), 'full');
    assert.equal(await join(node, 'a', { maxRooms: 2 }), 'done');
    assert.deepEqual(roomsOf(await claim(node, 'c2')), ['a 0', 'b 0']);
  },

  'a change of a session that does not exist has no effect': async (harness) => {
    const node = await harness.node();
    const changes: SessionChange[] = [
      { do: 'join', key: KEY, ...ROOM, maxRooms: 9 },
      { do: 'join', key: KEY, ...ROOM, maxRooms: 9, ofAllUsers: true },
      { do: 'leave', key: KEY, room: 'a' },
      { do: 'renew', key: KEY, client: 'c1', ttlMs: TTL_MS },
      { do: 'end', key: KEY, client: 'c1', ttlMs: TTL_MS },
    ];
    const outcomes = await storeOf(node).change(changes);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      changes.map(() => 'gone'),
    );
    assert.deepEqual(await claim(node, 'c1'), { isNew: true, rooms: [], previous: undefined });
  },

  'changes of one call are made in their order, each with its outcome': async (harness) => {
    const node = await harness.node();
    const keys = Array.from({ length: 600 }, (_, n) => `key-number-${`${n}`.padStart(8, '0')}`);
    const outcomes = await storeOf(node).change(
      keys.flatMap((key): SessionChange[] => [
        { do: 'claim', key, user: 'ann', client: `c-${key}`, node: 'n1', ttlMs: TTL_MS },
        { do: 'join', key, user: 'ann', ...ROOM, room: key, maxRooms: 1 },
        { do: 'join', key, user: 'ann', ...ROOM, room: 'second', maxRooms: 1 },
        { do: 'leave', key, user: 'ann', room: key },
        { do: 'join', key, user: 'ann', ...ROOM, room: 'third', maxRooms: 1 },
      ]),
    );
    const expected = keys.flatMap(() => ['done', 'done', 'full', 'done', 'done']);
    assert.deepEqual(
      outcomes.map(({ result }) => result),
      expected,
    );
    const again = await storeOf(node).change(
      keys.map((key): SessionChange => ({
        do: 'claim',
        key,
        user: 'ann',
        client: 'c2',
        node: 'n2',
        ttlMs: TTL_MS,
      })),
    );
    for (const [n, { session }] of again.entries()) {
      assert.deepEqual(session?.rooms, [{ ...ROOM, room: 'third' }]);
      assert.deepEqual(session?.previous, { client: `c-${keys[n]}`, node: 'n1' });
    }
    assert.deepEqual((await storeOf(node).keysOf('ann')).toSorted(), keys.toSorted());
    assert.deepEqual(await storeOf(node).keysOf('bob'), []);
    assert.deepEqual(await storeOf(node).change([]), []);
  },

  'a session is removed at the given time after its end or its last renewal': async (harness) => {
    const node = await harness.node();
    await claim(node, 'kept', { ttlMs: 300 });
    await claim(node, 'ended', { user: 'ann' });
    await join(node, 'a');
    await change(node, { do: 'renew', key: KEY, client: 'kept', ttlMs: TTL_MS });
    await change(node, { do: 'end', key: KEY, user: 'ann', client: 'ended', ttlMs: 300 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    assert.equal(await join(node, 'a', { user: 'ann' }), 'gone');
    assert.equal((await claim(node, 'again', { user: 'ann' })).isNew, true);
    assert.deepEqual(roomsOf(await claim(node, 'next')), ['a 0']);
  },

  'sessions reject after close': async (harness) => {
    const node = await harness.node();
    await claim(node, 'c1');
    await node.broker.close();
    await assert.rejects(() => claim(node, 'c2'), isClosedError);
    await assert.rejects(async () => storeOf(node).keysOf('ann'), isClosedError);
  },
};

/** Sessions between nodes of one backend. */
export const sharedSessionCases: Readonly<Record<string, CaseBody>> = {
  'a session is the same on every node, and one of two claims at once has it': async (harness) => {
    const [one, two] = [await harness.node(), await harness.node()] as const;
    await claim(one, 'c1', { user: 'ann' });
    await join(two, 'a', { user: 'ann', client: 'c1' });
    assert.deepEqual(await storeOf(two).keysOf('ann'), [KEY]);
    const [left, right] = await Promise.all([
      claim(one, 'c2', { user: 'ann' }),
      claim(two, 'c3', { user: 'ann' }),
    ]);
    assert.deepEqual(roomsOf(left), ['a 0']);
    assert.deepEqual(roomsOf(right), ['a 0']);
    const previous = [left.previous?.client, right.previous?.client];
    assert.ok(
      previous.includes('c1') && (previous.includes('c2') || previous.includes('c3')),
      previous.join(),
    );
  },
};
