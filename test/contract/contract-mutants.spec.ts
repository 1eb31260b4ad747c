import {
  MemoryBroker,
  RoomMessage,
  type BrokerListener,
  type HistoryPolicy,
  type PresenceStore,
  type SseBroker,
} from 'nestjs-simple-sse';
import { brokerContract } from 'nestjs-simple-sse/testing';

type Listening = (listener: BrokerListener) => BrokerListener;

/** A memory broker with one fault; what a mutant says replaces the sound method. */
function broken(
  mutate: (sound: MemoryBroker) => Partial<SseBroker>,
  listening: Listening = (same) => same,
): SseBroker {
  const sound = new MemoryBroker();
  const broker: SseBroker = {
    get epoch() {
      return sound.epoch;
    },
    get position() {
      return sound.position;
    },
    start: (policy: HistoryPolicy, listener: BrokerListener) => sound.start(policy, listening(listener)),
    publish: (rooms, event, options) => sound.publish(rooms, event, options),
    subscribe: (room) => sound.subscribe(room),
    unsubscribe: (room) => sound.unsubscribe(room),
    read: (rooms, after, newest) => sound.read(rooms, after, newest),
    publishControl: (text) => sound.publishControl(text),
    presence: sound.presence,
    close: () => sound.close(),
  };
  return Object.defineProperties(broker, Object.getOwnPropertyDescriptors(mutate(sound)));
}

/** The same with one fault in who is where. */
function brokenPresence(mutate: (sound: PresenceStore) => Partial<PresenceStore>): SseBroker {
  return broken(({ presence: sound }) => {
    const store: PresenceStore = {
      open: () => sound.open(),
      set: (room, user, here) => sound.set(room, user, here),
      members: (room) => sound.members(room),
      count: (room) => sound.count(room),
      close: (graceMs) => sound.close(graceMs),
    };
    return { presence: Object.assign(store, mutate(sound)) };
  });
}

const withMessages = (
  onMessage: (message: RoomMessage, hear: (message: RoomMessage) => void) => void,
): Listening => {
  return (listener) => ({
    ...listener,
    onMessage: (message) => onMessage(message, (heard) => listener.onMessage(heard)),
    onStateChange: (state) => listener.onStateChange(state),
  });
};

const mutants: [name: string, create: () => SseBroker][] = [
  [
    'does not say where else an event went',
    () =>
      broken((sound) => ({
        publish: (rooms, event, options) => sound.publish(rooms, event, { ...options, copies: undefined }),
      })),
  ],
  [
    'calls every page complete',
    () =>
      broken((sound) => ({
        read: async (rooms, after, newest) => ({
          ...(await sound.read(rooms, after, newest)),
          incompleteRooms: [],
        }),
      })),
  ],
  [
    'calls every page incomplete',
    () =>
      broken((sound) => ({
        read: async (rooms, after, newest) => ({
          ...(await sound.read(rooms, after, newest)),
          incompleteRooms: rooms,
        }),
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
        withMessages((message, hear) => message.rooms.forEach(() => hear(message))),
      ),
  ],
  [
    'delivers now and then too late',
    () => {
      let held: RoomMessage | undefined;
      return broken(
        () => ({}),
        withMessages((message, hear) => {
          if (held === undefined && Math.random() < 0.1) {
            held = message;
            return;
          }
          hear(message);
          if (held !== undefined) hear(held);
          held = undefined;
        }),
      );
    },
  ],
  [
    'forgets who is left out',
    () =>
      broken(
        () => ({}),
        withMessages((message, hear) =>
          hear(new RoomMessage(message, { ...deliveryOf(message), except: undefined })),
        ),
      ),
  ],
  [
    'knows no idempotency keys',
    () =>
      broken((sound) => ({
        publish: (rooms, event, options) =>
          sound.publish(rooms, event, { ...options, idempotencyKey: undefined }),
      })),
  ],
  [
    'keeps volatile events',
    () =>
      broken((sound) => ({
        publish: (rooms, event, options) => sound.publish(rooms, event, { ...options, volatile: false }),
      })),
  ],
  ['never unsubscribes', () => broken(() => ({ unsubscribe: async () => {} }))],
  [
    'subscribes later than it says',
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
  ['takes events after its end', () => broken(() => ({ close: async () => {} }))],
  ['names its epoch in its own way', () => broken(() => ({ epoch: 'EPOCH' }))],
  ['cannot tell, and does not say so', () => broken(() => ({ publishControl: undefined }))],
  [
    'tells everything twice',
    () =>
      broken((sound) => ({
        publishControl: async (text) => {
          await sound.publishControl(text);
          await sound.publishControl(text);
        },
      })),
  ],
  [
    'trims what it tells',
    () => broken((sound) => ({ publishControl: (text) => sound.publishControl(text.trim()) })),
  ],
  ['knows nobody, and does not say so', () => broken(() => ({ presence: undefined }))],
  [
    'takes each word on a user for the first one',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, here) => {
          sound.set(room, user, undefined);
          sound.set(room, user, here);
        },
      })),
  ],
  [
    'takes a user without connections for gone',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, here) => sound.set(room, user, here?.connections === 0 ? undefined : here),
      })),
  ],
  [
    'knows users by their names in other letters',
    () => brokenPresence((sound) => ({ set: (room, user, here) => sound.set(room, user.trim(), here) })),
  ],
  [
    'forgets what is said of a user',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, here) => sound.set(room, user, here && { ...here, info: undefined }),
      })),
  ],
  [
    'counts users for connections',
    () =>
      brokenPresence((sound) => ({
        count: async (room) => {
          const { users } = await sound.count(room);
          return { users, connections: users };
        },
      })),
  ],
  [
    'drops a word now and then',
    () =>
      brokenPresence((sound) => ({
        set: (room, user, here) => Math.random() < 0.5 || sound.set(room, user, here),
      })),
  ],
];

function deliveryOf(message: RoomMessage): ConstructorParameters<typeof RoomMessage>[1] {
  const { rooms, epoch, position, replayable, volatile, except } = message;
  return { rooms, epoch, position, replayable, volatile, except };
}

describe('the broker contract', () => {
  it('accepts the sound broker that the mutants are made of', async () => {
    for (const create of [() => broken(() => ({})), () => brokenPresence(() => ({}))]) {
      const createMedium = () => ({ createNode: create });
      const cases = brokerContract({ name: 'sound', shared: false, createMedium, expiryWatchMs: 0 });
      const relevant = cases.filter(
        ({ skipped, name }) => skipped === undefined && !name.includes('expired'),
      );
      expect(relevant.length).toBeGreaterThan(20);
      for (const { run } of relevant) await run();
    }
  });

  it('leaves out the cases of parts that a broker says it lacks', async () => {
    const cases = brokerContract({
      name: 'small',
      shared: false,
      without: ['publishControl', 'presence'],
      createMedium: () => ({
        createNode: () => broken(() => ({ publishControl: undefined, presence: undefined })),
      }),
    });
    const reasons = new Set(cases.map(({ skipped }) => skipped));
    expect(reasons).toEqual(
      new Set([undefined, 'its memory is not shared', 'it has no tell', 'it has no presence']),
    );
    const told = cases.filter(({ skipped, name }) => skipped === undefined && /tell|told|joins/.test(name));
    expect(told.map(({ name }) => name)).toEqual([]);
  });

  it.each(mutants)('refuses a broker that %s', async (_, create) => {
    const cases = brokerContract({
      name: 'mutant',
      shared: false,
      createMedium: () => ({ createNode: create }),
      patienceMs: 200,
      expiryWatchMs: 0,
    });
    const failed: string[] = [];
    for (const { name, skipped, run } of cases) {
      // The slow one looks at expired events, which no mutant here concerns.
      if (skipped !== undefined || name.includes('expired')) continue;
      await run().catch(() => failed.push(name));
    }
    expect(failed).not.toEqual([]);
  });
});
