import type { PresenceStore, PresentUser } from '../broker/presence-store.interface.js';
import { parsePresenceEvent } from '../protocol/presence-event.js';
import { unchecked } from '../../test/support/refusal.js';
import { eventually, pause } from '../../test/support/within.js';
import { PresenceReconciler, type ReconcilerTimes } from './presence-reconciler.js';

const TIMES: ReconcilerTimes = { batchMs: 2, compareMs: 2, listMs: 600_000, leaveAfterMs: 5 };

/** A node with one store for all its rooms. */
class FakeNode {
  readonly emitted: string[] = [];
  readonly members = new Map<string, PresentUser[]>();
  lists = 0;
  counts = 0;
  isReachable = true;
  readonly rooms: PresenceReconciler;

  constructor(times: Partial<ReconcilerTimes> = {}) {
    const store = {
      members: async (room: string) => {
        this.lists++;
        if (!this.isReachable) throw new Error('unreachable');
        return this.members.get(room) ?? [];
      },
      count: async (room: string) => {
        this.counts++;
        return { users: this.members.get(room)?.length ?? 0, connections: 0 };
      },
    };
    this.rooms = new PresenceReconciler(
      () => unchecked<PresenceStore>(store),
      {
        observeRoom: () => unchecked(undefined),
        whenSubscribed: () => undefined,
        deliver: (_room, event) => {
          const change = parsePresenceEvent(event);
          if (change === undefined || !this.rooms.observe(change)) return;
          this.emitted.push(`${change.type} ${change.user} in ${change.room}`);
        },
      },
      { ...TIMES, ...times },
    );
  }

  setMembers(room: string, ...users: string[]): void {
    this.members.set(
      room,
      users.map((user) => ({ user, connections: 1, info: undefined })),
    );
  }
}

describe('the rooms whose changes are emitted', () => {
  let node: FakeNode;

  afterEach(() => node.rooms.close());

  it('are compared by the number of their members once they are known', async () => {
    node = new FakeNode();
    node.setMembers('a', 'ann');
    node.rooms.enter('a');
    await eventually(() => node.counts > 5, 'some rounds');
    expect([node.lists, node.emitted]).toEqual([2, []]);
    node.setMembers('a', 'ann', 'bob');
    await eventually(() => node.emitted.length > 0, 'the join');
    node.setMembers('a', 'bob');
    await eventually(() => node.emitted.length > 1, 'the leave');
    expect(node.emitted).toEqual(['join bob in a', 'leave ann in a']);
  });

  it('are compared one by one after an interruption, even if the number is right', async () => {
    node = new FakeNode();
    node.setMembers('a', 'ann');
    node.rooms.enter('a');
    await eventually(() => node.counts > 0, 'a known room');
    node.setMembers('a', 'bob');
    node.rooms.handleInterruption();
    await eventually(() => node.emitted.length === 2, 'the changes');
    expect(node.emitted).toEqual(['join bob in a', 'leave ann in a']);
  });

  it('are compared one by one at an interval, without any interruption', async () => {
    node = new FakeNode({ listMs: 20 });
    node.setMembers('a', 'ann');
    node.rooms.enter('a');
    await eventually(() => node.counts > 0, 'a known room');
    node.setMembers('a', 'bob');
    await eventually(() => node.emitted.length === 2, 'the changes');
  });

  it('are compared again and again while the store cannot be reached', async () => {
    node = new FakeNode();
    node.isReachable = false;
    node.rooms.enter('a');
    await eventually(() => node.lists > 3, 'some attempts');
    node.isReachable = true;
    await eventually(() => node.counts > 0, 'a known room');
    node.setMembers('a', 'ann');
    await eventually(() => node.emitted.length === 1, 'the join');
  });

  it('are all compared, however many there are', async () => {
    node = new FakeNode();
    const names = Array.from({ length: 1_000 }, (_, n) => `room ${n}`);
    for (const name of names) node.rooms.enter(name);
    await eventually(() => node.lists >= 2_000, 'two lists of each');
    for (const name of names) node.setMembers(name, 'ann');
    await eventually(() => node.emitted.length === 1_000, 'every join');
  });

  it('are forgotten with the last listener, and none is compared then', async () => {
    node = new FakeNode();
    node.rooms.enter('a');
    node.rooms.enter('a');
    node.rooms.exit('a');
    await eventually(() => node.counts > 0, 'a room with a listener');
    node.rooms.exit('a');
    await pause(10);
    const calls = node.lists + node.counts;
    node.rooms.handleInterruption();
    await pause(30);
    expect(node.lists + node.counts).toBe(calls);
  });
});
