import { MemoryBroker, type UserStreamStore } from 'nestjs-simple-sse';
import { brokerContract } from 'nestjs-simple-sse/testing';

/** A memory broker with one fault in its store of streams of users. */
function broken(mutate: (sound: UserStreamStore) => Partial<UserStreamStore>): MemoryBroker {
  const broker = new MemoryBroker();
  const { userStreams: sound } = broker;
  const store: UserStreamStore = {
    add: (...args) => sound.add(...args),
    remove: (client) => sound.remove(client),
  };
  return Object.assign(broker, { userStreams: Object.assign(store, mutate(sound)) });
}

const mutants: [
  name: string,
  foundBy: string,
  mutate: (sound: UserStreamStore) => Partial<UserStreamStore>,
][] = [
  [
    'adds one stream too many',
    'no more streams than the rule allows',
    (sound) => ({
      add: (user, client, rule) => sound.add(user, client, { ...rule, max: rule.max + 1 }),
    }),
  ],
  [
    'counts all users together',
    'other users have their own',
    (sound) => ({ add: (_user, client, rule) => sound.add('all', client, rule) }),
  ],
  [
    'counts a repeated stream again',
    'added again counts once',
    (sound) => {
      let n = 0;
      return { add: (user, _client, rule) => sound.add(user, `${n++}`, rule) };
    },
  ],
  ['removes nothing', 'counts no more, and a removal of another', () => ({ remove: () => {} })],
  [
    'forgets removals during the call',
    'removed while it is added',
    (sound) => ({
      add: async (...args) => {
        await new Promise((resolve) => setImmediate(resolve));
        return sound.add(...args);
      },
    }),
  ],
  [
    'asks and adds in two steps',
    'of many calls at once',
    (sound) => {
      let count = 0;
      return {
        add: async (user, client, { max }) => {
          if (count >= max) return { isAdded: false, tooMany: [] };
          await new Promise((resolve) => setImmediate(resolve));
          count++;
          return sound.add(user, client, { max: Infinity, whenFull: 'refuse' });
        },
      };
    },
  ],
  [
    'names the newest stream',
    'the oldest ones are named',
    (sound) => ({
      add: async (user, client, rule) => {
        const { isAdded, tooMany } = await sound.add(user, client, rule);
        return { isAdded, tooMany: tooMany.length > 0 ? [client] : [] };
      },
    }),
  ],
  [
    'names an old stream once only',
    'named until they are removed',
    (sound) => {
      const named = new Set<string>();
      return {
        add: async (...args) => {
          const { isAdded, tooMany } = await sound.add(...args);
          const fresh = tooMany.filter((client) => !named.has(client));
          for (const client of fresh) named.add(client);
          return { isAdded, tooMany: fresh };
        },
      };
    },
  ],
  [
    'adds streams after close',
    'a stream rejects after close',
    () => ({ add: async () => ({ isAdded: true, tooMany: [] }) }),
  ],
];

const soundFixture = () => ({ createBroker: () => broken(() => ({})) });

describe('the broker contract refuses a store of streams of users that', () => {
  it.each(mutants)('%s', async (_, foundBy, mutate) => {
    const createFixture = () => ({ createBroker: () => broken(mutate) });
    const cases = brokerContract({ name: 'mutant', shared: false, createFixture });
    const finding = cases.filter(({ name, skipped }) => skipped === undefined && name.includes(foundBy));
    expect(finding).toHaveLength(1);
    await expect(finding[0]?.run()).rejects.toThrow();
  });

  it('accepts the sound one behind the mutants', async () => {
    for (const [, foundBy] of mutants) {
      const cases = brokerContract({ name: 'sound', shared: false, createFixture: soundFixture });
      await cases.find(({ name }) => name.includes(foundBy))?.run();
    }
  });
});
