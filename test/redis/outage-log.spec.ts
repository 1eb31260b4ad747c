import { createServer, type Server } from 'node:net';
import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import type { LogLine } from '../support/collecting-logger.js';
import { sseApp } from '../support/sse-app.js';
import { express } from '../support/platforms.js';
import { eventually, pause, within } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'the log lines of a broker without Redis, over %s',
  (driver) => {
    const emitWarning = process.emitWarning.bind(process);
    const lines: string[] = [];
    const open: SseBroker[] = [];
    let server: RedisServer;
    let listener: RecordingListener;

    beforeEach(async () => {
      server = await RedisServer.start();
      listener = new RecordingListener();
      process.emitWarning = (warning: string | Error) => void lines.push(String(warning));
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((broker) => broker.close()));
      process.emitWarning = emitWarning;
      lines.length = 0;
      await server.dispose();
    });

    const start = async (options: RedisBrokerOptions = {}): Promise<SseBroker> => {
      const timeouts = { connectTimeoutMs: 500, publishTimeoutMs: 500 };
      const broker = redisBroker({ url: server.url, driver, ...timeouts, ...options }) as SseBroker;
      open.push(broker);
      await within(broker.start(policy, listener), 'the start');
      return broker;
    };
    const urlOf = (user: string): string => server.url.replace('redis://', `redis://${user}@`);

    it('name a wrong password once, also after more attempts, and report the recovery once', async () => {
      await server.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all');
      await start({ url: urlOf('app:wrong') });
      await eventually(() => lines.some((line) => line.includes('WRONGPASS')), 'the line');
      await pause(700);
      // Older versions of ioredis first report a connection that closed, and then the reply of Redis.
      expect(lines.filter((line) => line.includes('WRONGPASS'))).toHaveLength(1);
      expect(lines.at(-1)).toContain('WRONGPASS');
      expect(lines.length).toBeLessThanOrEqual(2);
      const linesBefore = lines.length;
      expect(listener.states).toEqual(['down']);
      await server.command('ACL', 'SETUSER', 'app', '>wrong');
      await eventually(() => listener.states.at(-1) === 'live', 'live');
      expect(lines.slice(linesBefore)).toEqual(['The Redis broker is live again.']);
    });

    it('name a missing password', async () => {
      await server.command('CONFIG', 'SET', 'requirepass', 'secret');
      await start();
      await eventually(() => lines.length > 0, 'the line');
      expect(lines).toEqual([expect.stringContaining('NOAUTH')]);
    });

    it.each(['ssubscribe', 'eval', 'script'])(
      'name the missing right %s; the node is not live',
      async (right) => {
        await server.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', `-${right}`);
        await start({ url: urlOf('app:secret') });
        await eventually(() => lines.length > 0, 'the line');
        await pause(500);
        expect(lines).toEqual([expect.stringMatching(new RegExp(`NOPERM.*${right}`, 'i'))]);
        expect(listener.states).not.toContain('live');
      },
    );

    it('name a port that speaks no Redis', async () => {
      const other: Server = createServer((socket) => socket.on('error', () => {}).destroy());
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as { port: number };
      await start({ url: `redis://127.0.0.1:${port}` });
      await eventually(() => lines.length > 0, 'the line');
      await pause(300);
      expect(lines).toEqual([expect.stringMatching(/reason: .*(clos|ECONNRESET|EPIPE)/i)]);
      await new Promise((resolve) => other.close(resolve));
    });

    it('are two for each outage', async () => {
      await start();
      for (let outage = 0; outage < 2; outage++) {
        lines.length = 0;
        await server.restart();
        await eventually(() => lines.includes('The Redis broker is live again.'), 'live');
        expect(lines).toEqual([expect.stringContaining('is down'), 'The Redis broker is live again.']);
      }
    });

    it('are one for all partitions', async () => {
      await server.kill();
      const broker = redisBroker({ url: server.url, driver, partitions: 4, connectTimeoutMs: 300 });
      const { partitions } = broker as unknown as { partitions: SseBroker[] };
      open.push(...partitions);
      await Promise.all(partitions.map((partition) => partition.start(policy, new RecordingListener())));
      await eventually(() => lines.length > 0, 'the line');
      await pause(300);
      expect(lines).toEqual([expect.stringContaining('ECONNREFUSED')]);
    });

    it('are none for a script that publishes once and closes', async () => {
      const app = await express.start(
        sseApp({ options: { broker: redisBroker({ url: server.url, driver }) } }),
      );
      await app.sse.broadcast('a', 'news', 1);
      await app.close();
      expect(lines).toEqual([]);
      expect(app.logger.complaints).toEqual([]);
    });

    it.each([1, 4])(
      'are lines of Nest’s logger in an application, with %i partitions, and none of the process',
      async (partitions) => {
        const broker = redisBroker({ url: server.url, driver, partitions });
        const app = await express.start(sseApp({ options: { broker } }));
        app.logger.clear();
        await server.restart();
        const is = (text: string): LogLine[] => app.logger.lines.filter((line) => line.text.includes(text));
        await eventually(() => is('live again').length > 0, 'live');
        await app.close();
        expect(is('The Redis broker')).toEqual([
          { level: 'warn', text: expect.stringContaining('The Redis broker is down') as unknown },
          { level: 'log', text: expect.stringContaining('The Redis broker is live again.') as unknown },
        ]);
        expect(lines).toEqual([]);
      },
    );
  },
);
