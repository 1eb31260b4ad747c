import {
  MemoryBroker,
  RoomMessage,
  type BrokerListener,
  type HistoryPolicy,
  type PresenceStore,
  type RunPage,
  type RunRecord,
  type RunStart,
  type RunStore,
  type SessionChange,
  type SessionStore,
  type SseBroker,
  type TicketStore,
} from 'nestjs-simple-sse';
import { brokerContract } from 'nestjs-simple-sse/testing';

type WrapListener = (listener: BrokerListener) => BrokerListener;

/** Creates a memory broker with one fault: the members that `mutate` returns replace the sound ones. */
function broken(
  mutate: (sound: MemoryBroker) => Partial<SseBroker>,
  wrapListener: WrapListener = (same) => same,
): SseBroker {
  const sound = new MemoryBroker();
  const broker: SseBroker = {
    get epoch() {
      return sound.epoch;
    },
    get position() {
      return sound.position;
    },
    start: (policy: HistoryPolicy, listener: BrokerListener) => sound.start(policy, wrapListener(listener)),
    publish: (rooms, event, options) => sound.publish(rooms, event, options),
    subscribe: (room) => sound.subscribe(room),
    unsubscribe: (room) => sound.unsubscribe(room),
    read: (...args) => sound.read(...args),
    nodeId: sound.nodeId,
    publishControl: (text) => sound.publishControl(text),
    nodes: () => sound.nodes(),
    presence: sound.presence,
    tickets: sound.tickets,
    sessions: sound.sessions,
    runs: sound.runs,
    userStreams: sound.userStreams,
    close: () => sound.close(),
  };
  return Object.defineProperties(broker, Object.getOwnPropertyDescriptors(mutate(sound)));
}

/** Creates a memory broker with one fault in its presence store. */
function brokenPresence(mutate: (sound: PresenceStore) => Partial<PresenceStore>): SseBroker {
  return broken(({ presence: sound }) => {
    const store: PresenceStore = {
      open: () => sound.open(),
      set: (room, user, local) => sound.set(room, user, local),
      members: (room) => sound.members(room),
      count: (room) => sound.count(room),
      close: (graceMs) => sound.close(graceMs),
    };
    return { presence: Object.assign(store, mutate(sound)) };
  });
}

/** Creates a memory broker with one fault in its tickets. */
function brokenTickets(mutate: (sound: TicketStore) => Partial<TicketStore>): SseBroker {
  return broken(({ tickets: sound }) => {
    const store: TicketStore = {
      put: (key, text, ttlMs) => sound.put(key, text, ttlMs),
      take: (key) => sound.take(key),
      read: (key) => sound.read(key),
    };
    return { tickets: Object.assign(store, mutate(sound)) };
  });
}

/** Creates a memory broker with one fault in its store of sessions. */
function brokenSessions(mutate: (sound: SessionStore) => Partial<SessionStore>): SseBroker {
  return broken(({ sessions: sound }) => {
    const store: SessionStore = {
      joinsNow: sound.joinsNow,
      change: (changes) => sound.change(changes),
      keysOf: (user) => sound.keysOf(user),
    };
    return { sessions: Object.assign(store, mutate(sound)) };
  });
}

/** A store of sessions that makes other changes than it was given. */
function changedTo(map: (change: SessionChange) => SessionChange): () => SseBroker {
  return () => brokenSessions((sound) => ({ change: (changes) => sound.change(changes.map(map)) }));
}

/** Creates a memory broker with one fault in its store of runs. */
function brokenRuns(mutate: (sound: RunStore) => Partial<RunStore>): SseBroker {
  return broken(({ runs: sound }) => {
    const store: RunStore = {
      start: (start) => sound.start(start),
      append: (lease, after, entries) => sound.append(lease, after, entries),
      renew: (lease) => sound.renew(lease),
      end: (lease, state, reason) => sound.end(lease, state, reason),
      requestStop: (run) => sound.requestStop(run),
      read: (read) => sound.read(read),
      onChange: (run, listener) => sound.onChange(run, listener),
    };
    return { runs: Object.assign(store, mutate(sound)) };
  });
}

/** A store of runs with other bounds than it was given. */
function startedWith(change: Partial<RunStart>): () => SseBroker {
  return () => brokenRuns((sound) => ({ start: (start) => sound.start({ ...start, ...change }) }));
}

/** Reads the record of a run that exists. */
async function recordOf(sound: RunStore, run: string): Promise<RunRecord> {
  const page = await sound.read({ run, after: 0, maxBytes: 0, follows: false });
  return (page as RunPage).record;
}

const withMessages = (
  onMessage: (message: RoomMessage, deliver: (message: RoomMessage) => void) => void,
): WrapListener => {
  return (listener) => ({
    ...listener,
    onMessage: (message) => onMessage(message, (delivered) => listener.onMessage(delivered)),
    onStateChange: (state) => listener.onStateChange(state),
  });
};

const mutants: [name: string, create: () => SseBroker][] = [
  [
    'loses the earlier copies of an event',
    () =>
      broken((sound) => ({
        publish: (rooms, event, options) => sound.publish(rooms, event, { ...options, copies: undefined }),
      })),
  ],
  [
    'reports every page as complete',
    () =>
      broken((sound) => ({
        read: async (rooms, after, newest) => ({
          ...(await sound.read(rooms, after, newest)),
          incompleteRooms: [],
        }),
      })),
  ],
  [
    'reports every page as incomplete',
    () =>
      broken((sound) => ({
        read: async (rooms, after, newest) => ({
          ...(await sound.read(rooms, after, newest)),
          incompleteRooms: rooms,
        }),
      })),
  ],
  [
    'leaves out an event at the end of a cut page',
    () =>
      broken((sound) => ({
        read: async (...args) => {
          const page = await sound.read(...args);
          return page.hasMore === true ? { ...page, messages: page.messages.slice(0, -1) } : page;
        },
      })),
  ],
  [
    'continues a cut page after the newest event',
    () =>
      broken((sound) => ({
        read: async (...args) => {
          const page = await sound.read(...args);
          return page.hasMore === true ? { ...page, position: sound.position } : page;
        },
      })),
  ],
  [
    'leaves out the newest event of a page',
    () =>
      broken((sound) => ({
        read: async (rooms, after, newest) => {
          const page = await sound.read(rooms, after, newest);
          return { ...page, messages: page.messages.slice(0, -1) };
        },
      })),
  ],
  [
    'returns an event of several rooms once for each',
    () =>
      broken((sound) => ({
        read: async (rooms, after, newest) => {
          const pages = await Promise.all(rooms.map((room) => sound.read([room], after, newest)));
          const messages = pages.flatMap((page) => page.messages).toSorted((a, b) => a.position - b.position);
          const incompleteRooms = pages.flatMap((page) => page.incompleteRooms);
          return { ...(await sound.read(rooms, after, newest)), messages, incompleteRooms };
        },
      })),
  ],
  [
    'delivers an event of several rooms once for each',
    () =>
      broken(
        () => ({}),
        withMessages((message, deliver) => message.rooms.forEach(() => deliver(message))),
      ),
  ],
  [
    'delivers some events out of order',
    () => {
      let delayed: RoomMessage | undefined;
      return broken(
        () => ({}),
        withMessages((message, deliver) => {
          if (delayed === undefined && Math.random() < 0.1) {
            delayed = message;
            return;
          }
          deliver(message);
          if (delayed !== undefined) deliver(delayed);
          delayed = undefined;
        }),
      );
    },
  ],
  [
    'loses the excluded clients',
    () =>
      broken(
        () => ({}),
        withMessages((message, deliver) =>
          deliver(new RoomMessage(message, { ...deliveryOf(message), except: undefined })),
        ),
      ),
  ],
  [
    'ignores idempotency keys',
    () =>
      broken((sound) => ({
        publish: (rooms, event, options) =>
          sound.publish(rooms, event, { ...options, idempotencyKey: undefined }),
      })),
  ],
  [
    'stores volatile events',
    () =>
      broken((sound) => ({
        publish: (rooms, event, options) => sound.publish(rooms, event, { ...options, volatile: false }),
      })),
  ],
  ['never unsubscribes', () => broken(() => ({ unsubscribe: async () => {} }))],
  [
    'resolves subscribe before it takes effect',
    () =>
      broken((sound) => {
        let closed = false;
        return {
          subscribe: async (room) => {
            setTimeout(() => closed || sound.subscribe(room), 5);
          },
          close: async () => {
            closed = true;
            await sound.close();
          },
        };
      }),
  ],
  ['accepts events after close', () => broken(() => ({ close: async () => {} }))],
  ['has an epoch in another format', () => broken(() => ({ epoch: 'EPOCH' }))],
  ['lacks publishControl without declaring it', () => broken(() => ({ publishControl: undefined }))],
  ['lacks the list of nodes without declaring it', () => broken(() => ({ nodes: undefined }))],
  ['lists no node', () => broken(() => ({ nodes: async () => [] }))],
  ['lists itself under another id', () => broken(() => ({ nodeId: 'another' }))],
  [
    'delivers control messages twice',
    () =>
      broken((sound) => ({
        publishControl: async (text) => {
          await sound.publishControl(text);
          await sound.publishControl(text);
        },
      })),
  ],
  [
    'trims control messages',
    () => broken((sound) => ({ publishControl: (text) => sound.publishControl(text.trim()) })),
  ],
  ['lacks sessions without declaring it', () => broken(() => ({ sessions: undefined }))],
  ['shares a session among all users', changedTo((change) => ({ ...change, user: undefined }))],
  [
    'stores the position of the last join',
    () =>
      brokenSessions((sound) => ({
        change: (changes) =>
          sound.change(
            changes.flatMap((change): SessionChange[] =>
              change.do === 'join' ? [{ ...change, do: 'leave' }, change] : [change],
            ),
          ),
      })),
  ],
  [
    'stores an old position for a join of now',
    changedTo((change) =>
      change.do === 'joinNow' ? { ...change, do: 'join', epoch: '00000000', position: 1 } : change,
    ),
  ],
  [
    'forgets the rooms of a session',
    changedTo((change) => (change.do === 'join' ? { ...change, do: 'leave' } : change)),
  ],
  [
    'lets a former owner change a session',
    changedTo((change) =>
      change.do === 'join' || change.do === 'leave' ? { ...change, client: undefined } : change,
    ),
  ],
  [
    'keeps sessions for ever',
    changedTo((change) => ('ttlMs' in change ? { ...change, ttlMs: 60_000 } : change)),
  ],
  [
    'has no limit of rooms',
    changedTo((change) => (change.do === 'join' ? { ...change, maxRooms: 1_000 } : change)),
  ],
  ['lists no keys of a user', () => brokenSessions(() => ({ keysOf: async () => [] }))],
  ['lacks presence without declaring it', () => broken(() => ({ presence: undefined }))],
  [
    'joins a user again at each change',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, local) => {
          sound.set(room, user, undefined);
          sound.set(room, user, local);
        },
      })),
  ],
  [
    'removes a user with 0 connections',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, local) => sound.set(room, user, local?.connections === 0 ? undefined : local),
      })),
  ],
  [
    'trims user names',
    () => brokenPresence((sound) => ({ set: (room, user, local) => sound.set(room, user.trim(), local) })),
  ],
  [
    'loses the info of a user',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, local) => sound.set(room, user, local && { ...local, info: undefined }),
      })),
  ],
  [
    'counts users instead of connections',
    () =>
      brokenPresence((sound) => ({
        count: async (room) => {
          const { users } = await sound.count(room);
          return { users, connections: users };
        },
      })),
  ],
  [
    'loses some presence changes',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, local) => Math.random() < 0.5 || sound.set(room, user, local),
      })),
  ],
  ['gives a ticket to each caller', () => brokenTickets((sound) => ({ take: (key) => sound.read(key) }))],
  [
    'reads a ticket before it removes it',
    () =>
      brokenTickets((sound) => ({
        take: async (key) => {
          const text = await sound.read(key);
          await new Promise(setImmediate);
          await sound.take(key);
          return text;
        },
      })),
  ],
  ['removes a ticket that is read', () => brokenTickets((sound) => ({ read: (key) => sound.take(key) }))],
  [
    'keeps tickets for ever',
    () => brokenTickets((sound) => ({ put: (key, text) => sound.put(key, text, 86_400_000) })),
  ],
  [
    'keeps a part of a ticket',
    () =>
      brokenTickets((sound) => ({ put: (key, text, ttlMs) => sound.put(key, text.slice(0, 65_536), ttlMs) })),
  ],
];

/** Each with a part of the name of the case that finds it: the cases of runs wait for leases. */
const runMutants: [name: string, foundBy: string, create: () => SseBroker][] = [
  ['lacks runs without declaring it', 'appended', () => broken(() => ({ runs: undefined }))],
  [
    'has no fence against a former producer of a run',
    'only with `restart`',
    () =>
      brokenRuns((sound) => ({
        append: async (lease, after, entries) => {
          const page = await sound.read({ run: lease.run, after: 0, maxBytes: 0, follows: false });
          return sound.append({ ...lease, epoch: page?.record.epoch ?? lease.epoch }, after, entries);
        },
      })),
  ],
  [
    'stores entries again that a repeated call has',
    'repeated',
    () =>
      brokenRuns((sound) => ({
        append: async (lease, after, entries) => {
          const page = await sound.read({ run: lease.run, after: 0, maxBytes: 0, follows: false });
          return sound.append(lease, page?.record.entries ?? after, entries);
        },
      })),
  ],
  [
    'replaces a run that goes on',
    'only with `restart`',
    () =>
      brokenRuns((sound) => ({
        start: async (start) => {
          const known = await sound.start(start);
          if (known.epoch === start.epoch || known.state !== 'running' || !start.restart) return known;
          await sound.end({ run: start.run, epoch: known.epoch }, 'failed');
          return sound.start(start);
        },
      })),
  ],
  ['never starts an ended run again', 'only with `restart`', startedWith({ restart: false })],
  ['starts an ended run again without being asked', 'only with `restart`', startedWith({ restart: true })],
  ['has runs that never fail', 'lease', startedWith({ leaseMs: 86_400_000 })],
  ['keeps runs for ever', 'for the given time', startedWith({ keepMs: 86_400_000 })],
  ['has no limit of entries', 'beyond the number', startedWith({ maxEntries: 1_000_000 })],
  ['has no limit of bytes', 'beyond the number', startedWith({ maxBytes: 2 ** 30 })],
  [
    'trims the end of a run',
    'and its end',
    () => brokenRuns((sound) => ({ end: async (lease) => recordOf(sound, lease.run) })),
  ],
  [
    'forgets the reason of an end',
    'repeated',
    () => brokenRuns((sound) => ({ end: (lease, state) => sound.end(lease, state) })),
  ],
  [
    'ends a run at once that is asked to stop',
    'request to stop',
    () =>
      brokenRuns((sound) => ({
        requestStop: async (run) => {
          const known = await sound.requestStop(run);
          return known && sound.end({ run, epoch: known.epoch }, 'stopped');
        },
      })),
  ],
  [
    'takes an index of another epoch for its own',
    'another epoch',
    () => brokenRuns((sound) => ({ read: (read) => sound.read({ ...read, epoch: undefined }) })),
  ],
  [
    'reads all entries in one page',
    'wanted bytes',
    () => brokenRuns((sound) => ({ read: (read) => sound.read({ ...read, maxBytes: Infinity }) })),
  ],
  [
    'counts every read as that of a follower',
    'request to stop',
    () => brokenRuns((sound) => ({ read: (read) => sound.read({ ...read, follows: true }) })),
  ],
  [
    'counts no read as that of a follower',
    'request to stop',
    () => brokenRuns((sound) => ({ read: (read) => sound.read({ ...read, follows: false }) })),
  ],
  [
    'reads the state before the entries',
    'and its end',
    () =>
      brokenRuns((sound) => ({
        read: async (read) => {
          const before = await sound.read(read);
          await new Promise((resolve) => setTimeout(resolve, 3));
          const page = await sound.read(read);
          return before && page && { ...page, record: before.record };
        },
      })),
  ],
  [
    'reads the entries before the state',
    'and its end',
    () =>
      brokenRuns((sound) => ({
        read: async (read) => {
          const before = await sound.read(read);
          await new Promise((resolve) => setTimeout(resolve, 3));
          const page = await sound.read(read);
          return before && page && { ...before, record: page.record };
        },
      })),
  ],
  [
    'wakes no follower of a run',
    'calls its listeners',
    () => brokenRuns(() => ({ onChange: () => () => {} })),
  ],
  [
    'brings older entries with a change',
    'and its end',
    () =>
      brokenRuns((sound) => ({
        onChange: (run, listener) =>
          sound.onChange(run, (change, page) =>
            listener(change, page && { ...page, firstIndex: page.firstIndex + 1 }),
          ),
      })),
  ],
  [
    'wakes followers that have ended',
    'calls its listeners',
    () =>
      brokenRuns((sound) => ({
        onChange: (run, listener) => {
          sound.onChange(run, listener);
          return () => {};
        },
      })),
  ],
];

function deliveryOf(message: RoomMessage): ConstructorParameters<typeof RoomMessage>[1] {
  const { rooms, epoch, position, replayable, volatile, except } = message;
  return { rooms, epoch, position, replayable, volatile, except };
}

const sound = (): SseBroker => broken(() => ({}));

describe('the broker contract', () => {
  it('accepts the sound broker behind the mutants', async () => {
    for (const create of [
      () => broken(() => ({})),
      () => brokenPresence(() => ({})),
      () => brokenSessions(() => ({})),
      () => brokenRuns(() => ({})),
    ]) {
      const createFixture = () => ({ createBroker: create });
      const cases = brokerContract({ name: 'sound', shared: false, createFixture, expiryWatchMs: 0 });
      const relevant = cases.filter(
        ({ skipped, name }) => skipped === undefined && !name.includes('expired'),
      );
      expect(relevant.length).toBeGreaterThan(20);
      for (const { run } of relevant) await run();
    }
  });

  it('skips the cases of parts that a broker declares as missing', async () => {
    const cases = brokerContract({
      name: 'small',
      shared: false,
      without: ['publishControl', 'presence', 'runs', 'sessions', 'tickets', 'userStreams'],
      createFixture: () => ({
        createBroker: () =>
          broken(() => ({
            publishControl: undefined,
            presence: undefined,
            sessions: undefined,
            runs: undefined,
            userStreams: undefined,
            tickets: undefined,
          })),
      }),
    });
    const reasons = new Set(cases.map(({ skipped }) => skipped));
    expect(reasons).toEqual(
      new Set([
        undefined,
        'the broker does not share its history',
        'the broker has no publishControl',
        'the broker has no presence',
        'the broker has no runs',
        'the broker has no sessions',
        'the broker has no tickets',
        'the broker has no userStreams',
      ]),
    );
    const optional = cases.filter(
      ({ skipped, name }) =>
        skipped === undefined && /control|Control|joins|session|ticket|run|lease|entries/.test(name),
    );
    expect(optional.map(({ name }) => name)).toEqual([]);
  });

  describe('refuses a broker that', () => {
    const options = { name: 'mutant', shared: false, timeoutMs: 200, expiryWatchMs: 0 };
    const isOfRuns = new Set(
      brokerContract({ ...options, without: ['runs'], createFixture: () => ({ createBroker: sound }) })
        .filter(({ skipped }) => skipped === 'the broker has no runs')
        .map(({ name }) => name),
    );

    it.each(mutants)('%s', async (_, createBroker) => {
      const cases = brokerContract({ ...options, createFixture: () => ({ createBroker }) });
      const failed: string[] = [];
      for (const { name, skipped, run } of cases) {
        // The case about expired events is slow, and no mutant here affects it.
        if (skipped !== undefined || name.includes('expired') || isOfRuns.has(name)) continue;
        await run().catch(() => failed.push(name));
      }
      expect(failed).not.toEqual([]);
    });

    it.each(runMutants)('%s', async (_, foundBy, createBroker) => {
      const cases = brokerContract({ ...options, createFixture: () => ({ createBroker }) });
      const finding = cases.filter(
        ({ name, skipped }) => skipped === undefined && isOfRuns.has(name) && name.includes(foundBy),
      );
      expect(finding).toHaveLength(1);
      await expect(finding[0]?.run()).rejects.toThrow();
    });
  });
});
