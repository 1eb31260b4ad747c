import fc from 'fast-check';
import type { PresentUser } from '../broker/presence-store.interface.js';
import type { PresenceChange } from '../protocol/presence-event.js';
import { EmittedMembers } from './emitted-members.js';

const LEAVE_AFTER_MS = 100;

const change = (type: PresenceChange['type'], user: string): PresenceChange => ({ type, room: 'a', user });
const listOf = (...users: string[]): PresentUser[] =>
  users.map((user) => ({ user, connections: 1, info: undefined }));

/** A listener that records what it is passed. */
class Listener {
  readonly emitted: string[] = [];
  readonly members = new Map<string, boolean>();
  readonly room: EmittedMembers;

  constructor(room = new EmittedMembers()) {
    this.room = room;
  }

  receive(received: PresenceChange): void {
    if (!this.room.observe(received)) return;
    this.emitted.push(`${received.type} ${received.user}`);
    this.members.set(received.user, received.type === 'join');
  }

  list(list: readonly PresentUser[], nowMs: number): void {
    for (const { type, user } of this.room.compare(list, nowMs, LEAVE_AFTER_MS))
      this.receive(change(type, user));
  }

  /** Requests lists until the listener is certain. */
  settle(users: Iterable<string>, nowMs: number): void {
    for (let round = 0; round < 3; round++) {
      this.room.listRequested();
      this.list(listOf(...users), nowMs + round * LEAVE_AFTER_MS);
    }
  }
}

type Step =
  | { readonly kind: 'change'; readonly user: string; readonly isLost: boolean }
  | { readonly kind: 'deliver' | 'request' | 'answer' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('change' as const),
    user: fc.constantFrom('ann', 'bob', 'cem'),
    isLost: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('deliver' as const, 'request' as const, 'answer' as const) }),
);

/**
 * Runs a store whose changes arrive late or never, beside lists that arrive late.
 *
 * @returns the first listener, which saw all of it, the members in the end, and whether a change was lost before a list arrived
 */
function run(
  steps: readonly Step[],
  newRoom: () => EmittedMembers,
): { listener: Listener; present: Set<string>; isLostEarly: boolean } {
  const present = new Set<string>();
  const pending: PresenceChange[] = [];
  const listener = new Listener(newRoom());
  let requested: PresentUser[] | undefined;
  let nowMs = 0;
  let isLostEarly = false;
  let isListed = false;
  for (const each of steps) {
    nowMs += 20;
    if (each.kind === 'change') {
      const type = present.has(each.user) ? 'leave' : 'join';
      if (type === 'join') present.add(each.user);
      else present.delete(each.user);
      if (each.isLost) {
        listener.room.changesLost();
        isLostEarly ||= !isListed;
      } else pending.push(change(type, each.user));
    } else if (each.kind === 'deliver') {
      const next = pending.shift();
      if (next !== undefined) listener.receive(next);
    } else if (each.kind === 'request' && requested === undefined) {
      listener.room.listRequested();
      requested = listOf(...present);
    } else if (each.kind === 'answer' && requested !== undefined) {
      listener.list(requested, nowMs);
      requested = undefined;
      isListed = true;
    }
  }
  if (requested !== undefined) listener.list(requested, nowMs);
  for (const each of pending) listener.receive(each);
  listener.settle(present, nowMs);
  return { listener, present, isLostEarly };
}

/** Returns the first change that repeats the one before it of the same user. */
function repeatedIn(emitted: readonly string[]): string | undefined {
  const last = new Map<string, string>();
  return emitted.find((text) => {
    const [type = '', user = ''] = text.split(' ');
    const isRepeated = last.get(user) === type;
    last.set(user, type);
    return isRepeated;
  });
}

function assertConverges(newRoom: () => EmittedMembers): void {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { listener, present, isLostEarly } = run(steps, newRoom);
      expect(repeatedIn(listener.emitted)).toBeUndefined();
      // A user who was emitted as a member is one, and a user who was emitted as gone is none.
      for (const [user, isMember] of listener.members)
        expect(`${user} ${isMember}`).toBe(`${user} ${present.has(user)}`);
      // Nobody is left out: every member was emitted if changes were lost before the first list,
      // and otherwise every user who has joined since.
      if (isLostEarly) expect([...listener.members.values()].filter(Boolean)).toHaveLength(present.size);
      expect(listener.room.settledSize).toBe(present.size);
    }),
    { numRuns: 2_000 },
  );
}

describe('the changes of a room that are emitted', () => {
  it('alternate for each member and lead to the list, whichever changes are lost or late', () => {
    assertConverges(() => new EmittedMembers());
  });

  it('contain the difference to a later list: a join at once, a leave once the member is missing for a time', () => {
    const listener = new Listener();
    listener.settle(['ann', 'bob'], 0);
    listener.room.listRequested();
    listener.list(listOf('ann', 'cem'), 1_000);
    expect(listener.emitted).toEqual(['join cem']);
    listener.room.listRequested();
    listener.list(listOf('ann', 'cem'), 1_000 + LEAVE_AFTER_MS - 1);
    expect(listener.emitted).toEqual(['join cem']);
    listener.room.listRequested();
    listener.list(listOf('ann', 'cem'), 1_000 + LEAVE_AFTER_MS);
    expect(listener.emitted).toEqual(['join cem', 'leave bob']);
  });

  it('contain no leave of a member that lists lacked for a moment only, as after a loss of all data', () => {
    const listener = new Listener();
    listener.settle(['ann'], 0);
    for (const [list, nowMs] of [
      [[], 1_000],
      [['ann'], 1_050],
      [[], 2_000],
    ] as const) {
      listener.room.listRequested();
      listener.list(listOf(...list), nowMs);
    }
    listener.receive(change('join', 'ann'));
    expect(listener.emitted).toEqual([]);
  });

  it('contain the first change of a user even if the first list had it already', () => {
    const listener = new Listener();
    listener.room.listRequested();
    listener.list(listOf('ann'), 0);
    listener.receive(change('join', 'ann'));
    listener.receive(change('leave', 'bob'));
    listener.receive(change('join', 'ann'));
    listener.receive(change('leave', 'bob'));
    expect(listener.emitted).toEqual(['join ann', 'leave bob']);
  });

  it('contain a join that was lost before the first list', () => {
    const listener = new Listener();
    listener.receive(change('join', 'ann'));
    listener.room.changesLost();
    listener.settle(['ann', 'bob'], 0);
    expect(listener.emitted).toEqual(['join ann', 'join bob']);
  });

  it('are judged by the change and not by the list where a change arrived after the list was requested', () => {
    const listener = new Listener();
    listener.settle(['ann'], 0);
    listener.room.listRequested();
    listener.receive(change('leave', 'ann'));
    listener.list(listOf('ann'), 1_000);
    expect(listener.emitted).toEqual(['leave ann']);
  });
});

class EmitsEverything extends EmittedMembers {
  override observe(received: PresenceChange): boolean {
    super.observe(received);
    return true;
  }
}

class NeverCompares extends EmittedMembers {
  override compare(): [] {
    return [];
  }
}

class ForgetsLosses extends EmittedMembers {
  override changesLost(): void {}
}

class ComparesChangedUsers extends EmittedMembers {
  override compare(...args: Parameters<EmittedMembers['compare']>): ReturnType<EmittedMembers['compare']> {
    super.listRequested();
    return super.compare(...args);
  }
}

describe('the property of the changes that are emitted', () => {
  it.each([
    ['emits every change', EmitsEverything],
    ['never compares', NeverCompares],
    ['forgets that changes were lost before the first list', ForgetsLosses],
  ])('fails for a room that %s', (_, Mutant) => {
    expect(() => assertConverges(() => new Mutant())).toThrow();
  });

  it('fails for a room that lets an old list outdo a newer change', () => {
    const listener = new Listener(new ComparesChangedUsers());
    listener.settle(['ann'], 0);
    listener.room.listRequested();
    listener.receive(change('leave', 'ann'));
    listener.list(listOf('ann'), 1_000);
    expect(listener.emitted).not.toEqual(['leave ann']);
  });
});
