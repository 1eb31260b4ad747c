import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { eventually, pause } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

/** Time for which the connections are counted, in milliseconds. */
const WATCHED_MS = 4_000;
/** The shortest delays between attempts are 25, 50, 100, 200, 400, 800 and then 1,000 ms. */
const maxAttempts = (ms: number): number => 7 + ms / 1_000;

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a node whose Redis is a replica that refuses writes, over %s',
  (driver) => {
    const emitWarning = process.emitWarning.bind(process);
    const lines: string[] = [];
    let master: RedisServer;
    let replica: RedisServer;
    let broker: SseBroker;
    let listener: RecordingListener;

    beforeEach(async () => {
      [master, replica] = [await RedisServer.start(), await RedisServer.start()];
      lines.length = 0;
      process.emitWarning = (warning: string | Error) => void lines.push(String(warning));
      listener = new RecordingListener();
      broker = redisBroker({
        url: replica.url,
        driver,
        connectTimeoutMs: 500,
        publishTimeoutMs: 500,
      });
    });
    afterEach(async () => {
      await broker.close();
      process.emitWarning = emitWarning;
      await Promise.all([master.dispose(), replica.dispose()]);
    });

    const demote = (): Promise<string> => replica.command('REPLICAOF', '127.0.0.1', `${master.port}`);
    const promote = (): Promise<string> => replica.command('REPLICAOF', 'NO', 'ONE');
    const connections = async (): Promise<number> =>
      Number(/total_connections_received:(\d+)/.exec(await replica.command('INFO', 'stats'))?.[1]);
    /** Counts the connections to the server while `WATCHED_MS` pass. */
    const expectFewConnections = async (): Promise<void> => {
      const before = await connections();
      const startMs = performance.now();
      await pause(WATCHED_MS);
      const opened = (await connections()) - before - 1;
      expect(opened).toBeLessThanOrEqual(maxAttempts(performance.now() - startMs));
      expect(opened).toBeGreaterThan(0);
    };
    const linesWith = (text: string): string[] => lines.filter((line) => line.includes(text));

    it('tries again with back-off, reports one state and one warning, and is live once writes are accepted', async () => {
      await demote();
      await broker.start(policy, listener);
      const subscribed = broker.subscribe('a');
      await expectFewConnections();
      expect(listener.states).toEqual(['down']);
      expect(lines).toEqual([expect.stringContaining('READONLY')]);
      await promote();
      await subscribed;
      await broker.publish(['a'], { data: '1', serialized: false }, {});
      await eventually(() => listener.texts.length === 1, 'the event');
      expect(linesWith('live again')).toHaveLength(1);
    });

    it('refuses a replica that accepts writes, which it loses when it copies its master again', async () => {
      await replica.command('CONFIG', 'SET', 'replica-read-only', 'no');
      await demote();
      await broker.start(policy, listener);
      expect(listener.states).toEqual(['down']);
      expect(lines).toEqual([expect.stringContaining('READONLY')]);
      await expect(broker.publish(['a'], { data: '1', serialized: false }, {})).rejects.toMatchObject({
        code: 'broker-unavailable',
      });
      await promote();
      await eventually(() => listener.states.at(-1) === 'live', 'live');
    });

    it('does the same when its server becomes a replica', async () => {
      await broker.start(policy, listener);
      await broker.subscribe('a');
      listener.states.length = 0;
      await demote();
      await expect(broker.publish(['a'], { data: '1', serialized: false }, {})).rejects.toMatchObject({
        code: 'broker-unavailable',
      });
      await eventually(() => linesWith('READONLY').length > 0, 'the warning');
      await expectFewConnections();
      expect(listener.states).toEqual(['down']);
      expect(linesWith('is down')).toHaveLength(1);
      await promote();
      await eventually(() => listener.states.at(-1) === 'live', 'live');
      expect(linesWith('live again')).toHaveLength(1);
    });
  },
);
