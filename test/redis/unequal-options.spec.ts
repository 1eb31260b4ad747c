import fc from 'fast-check';
import type { HistoryPolicy, SseBroker, SseModuleOptions } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { asPartitioned } from '../../src/broker/partitioned-broker.interface.js';
import { partitionTags } from '../../src/broker/redis/driver/cluster-slot.js';
import { parseNodeEntry } from '../../src/broker/redis/nodes/node-entry.js';
import { express } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

async function close(partitions: readonly SseBroker[]): Promise<void> {
  await Promise.all(partitions.map((each) => each.close()));
}

function startApp(options: SseModuleOptions): ReturnType<typeof express.start> {
  return express.start(sseApp({ options }));
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'nodes that share a Redis and differ in options, over %s',
  (driver) => {
    const emitWarning = process.emitWarning.bind(process);
    const lines: string[] = [];
    const open: (readonly SseBroker[])[] = [];
    let server: RedisServer;
    let prefixes = 0;

    beforeAll(async () => {
      server = await RedisServer.start();
    });
    beforeEach(() => {
      prefixes++;
      process.emitWarning = (warning: string | Error) => void lines.push(String(warning));
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map(close));
      process.emitWarning = emitWarning;
      lines.length = 0;
    });
    afterAll(() => server.dispose());

    const prefix = (): string => `options-${prefixes}`;
    const start = async (
      options: Omit<RedisBrokerOptions, 'client'> = {},
      history = policy,
    ): Promise<readonly SseBroker[]> => {
      const { partitions } = asPartitioned(
        redisBroker({ url: server.url, driver, prefix: prefix(), ...options }),
      );
      open.push(partitions);
      await Promise.all(partitions.map((each) => each.start(history, new RecordingListener())));
      return partitions;
    };
    const broker = (): SseBroker => redisBroker({ url: server.url, driver, prefix: prefix() });
    const connections = async (): Promise<string | undefined> =>
      /connected_clients:\d+/.exec(await server.command('INFO', 'clients'))?.[0];
    const about = (words: string): string[] => lines.filter((line) => line.includes(words));

    it.each([
      [1, 4],
      [4, 1],
      [3, 5],
    ])('warn at once on both sides, by name and once, with %d and %d partitions', async (before, after) => {
      await start({ partitions: before });
      await start({ partitions: after });
      await eventually(() => about('partitions').length === 2, 'both warnings');
      const name = new RegExp(`/${process.pid}\\b`);
      expect(lines).toEqual([expect.stringMatching(name), expect.stringMatching(name)]);
      expect(about(`${before} on this node`)).toEqual([expect.stringContaining(`${after} on `)]);
      expect(about(`${after} on this node`)).toEqual([expect.stringContaining(`${before} on `)]);
    });

    it('refuse to start with another number of partitions by option; the running node warns', async () => {
      await start({ partitions: 1 });
      await expect(start({ partitions: 4, requireSamePartitions: true })).rejects.toMatchObject({
        code: 'invalid-options',
        message: expect.stringContaining('4 on this node'),
      });
      await eventually(() => about('1 on this node').length === 1, 'the warning of the running node');
    });

    it('let no application start with another number of partitions by option', async () => {
      await start({ partitions: 2 });
      const before = await connections();
      const other = redisBroker({
        url: server.url,
        driver,
        prefix: prefix(),
        partitions: 3,
        requireSamePartitions: true,
      });
      await expect(startApp({ broker: other })).rejects.toThrow(/2 on [^ ]+. They do not receive/);
      // All of its partitions are closed.
      await eventually(async () => (await connections()) === before, 'the end of its connections');
    });

    it('start with the option where all numbers are equal, or where Redis cannot be reached', async () => {
      await start({ partitions: 2, requireSamePartitions: true });
      await start({ partitions: 2, requireSamePartitions: true });
      await start({ url: 'redis://127.0.0.1:1', requireSamePartitions: true, connectTimeoutMs: 200 });
      expect(about('partitions')).toEqual([]);
    });

    it('warn of no node that was closed before', async () => {
      await close(await start({ partitions: 4 }));
      await start({ partitions: 1 });
      await pause(100);
      expect(lines).toEqual([]);
    });

    it('warn of no node whose entry has expired, and remove it', async () => {
      const key = `${prefix()}:{0}:o`;
      const entry = { name: 'dead/1', partitions: 9, history: 'x', channel: 'x' };
      await server.command('HSET', key, 'gone', `1000 ${JSON.stringify(entry)}`);
      await start();
      await eventually(async () => (await server.command('HLEN', key)) === ':1', 'the removal');
      expect(await server.command('HEXISTS', key, 'gone')).toBe(':0');
      expect(lines).toEqual([]);
    });

    it('name different history options once on each side, whatever the number of nodes', async () => {
      const short: HistoryPolicy = { ...policy, limitsOf: () => ({ maxEvents: 5, maxAgeMs: 1_000 }) };
      for (let n = 0; n < 3; n++) await start({}, short);
      await start();
      await eventually(() => about('60000 ms on this node').length === 1, 'the warning of the new node');
      await eventually(
        () => about('5 events, 1000 ms on this node').length === 3,
        'the warnings of the others',
      );
      await start();
      await pause(100);
      expect(about('60000 ms on this node')).toHaveLength(2);
      expect(about('5 events, 1000 ms on this node')).toHaveLength(3);
    });

    it('name the history options of rooms, as applications set them', async () => {
      const apps = [
        await startApp({ broker: broker() }),
        await startApp({ broker: broker(), history: false }),
        await startApp({ broker: broker(), rooms: { 'a/*': { historyMaxAgeMs: 7 } } }),
      ];
      const warn = (words: string): boolean =>
        apps.some(({ logger }) => logger.complaints.some(({ text }) => text.includes(words)));
      await eventually(() => warn('no history on this node'), 'the warning without history');
      await eventually(() => warn('"a/*" '), 'the warning of a rule');
      await Promise.all(apps.map((each) => each.close()));
      expect(lines).toEqual([]);
    });

    it('take a rule for presence alone as no difference in history', async () => {
      const rooms = { 'a/*': { presence: true } };
      const apps = [
        await startApp({ broker: broker() }),
        await startApp({ broker: broker(), identify: () => undefined, rooms }),
      ];
      await pause(100);
      await Promise.all(apps.map((each) => each.close()));
      expect(apps.flatMap(({ logger }) => logger.complaints)).toEqual([]);
    });

    it('warn of nothing with equal options, and renew their entries after Redis has lost them', async () => {
      await start();
      await start();
      await server.command('DEL', `${prefix()}:{0}:o`);
      await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
      await eventually(
        async () => (await server.command('HLEN', `${prefix()}:{0}:o`)) === ':2',
        'the renewed entries',
      );
      expect(about('differ')).toEqual([]);
    });

    it('ignore malformed entries with one line', async () => {
      const key = `${prefix()}:{0}:o`;
      for (const [n, text] of ['', 'x', '9999999999999 {}', '9999999999999 [1]'].entries()) {
        await server.command('HSET', key, `${n}`, text);
      }
      await start();
      await eventually(() => lines.length > 0, 'the line');
      expect(lines).toEqual([expect.stringContaining('A malformed node entry')]);
    });

    it('work without the right to the registry, and say so once', async () => {
      const keys = [`~${prefix()}:{0}:[^o]*`, '&*', '+@all'];
      await server.command('ACL', 'SETUSER', `app${prefixes}`, 'reset', 'on', '>secret', ...keys);
      const url = server.url.replace('redis://', `redis://app${prefixes}:secret@`);
      const [node] = await start({ url });
      await eventually(() => lines.length > 0, 'the line');
      expect(lines).toEqual([expect.stringMatching(/Nodes with other options are not noticed.*NOPERM/)]);
      await node?.publish(['a'], { data: 'x', serialized: false }, {});
    });
  },
);

it('some partition has the tag of the registry, with any number of partitions', () => {
  for (let count = 1; count <= 64; count++) {
    expect(partitionTags(count).filter((tag) => tag === '0')).toHaveLength(1);
  }
});

it('the decoder of entries of nodes never throws, and accepts no line break', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      const entry = parseNodeEntry(text);
      expect(entry === undefined || !/\n/.test(Object.values(entry).join(''))).toBe(true);
    }),
  );
  const entry = { id: 'n', name: 'a', partitions: 1, history: 'b', channel: 'c', receives: false };
  expect(parseNodeEntry(JSON.stringify(entry))).toEqual(entry);
  // An entry of an older version.
  const older = { ...entry, id: undefined, receives: undefined };
  expect(parseNodeEntry(JSON.stringify(older))).toEqual({ ...entry, id: '', receives: true });
  for (const broken of [{ name: 'a\nb' }, { id: 5 }, { partitions: 0 }, { partitions: 65 }, { history: 1 }]) {
    expect(parseNodeEntry(JSON.stringify({ ...entry, ...broken }))).toBeUndefined();
  }
});
