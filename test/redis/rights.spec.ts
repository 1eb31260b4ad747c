import { createServer as createTlsServer, type Server } from 'node:tls';
import type { AddressInfo } from 'node:net';
import type { HistoryPolicy, SseBroker } from 'nestjs-simple-sse';
import { redisBroker, type RedisBrokerOptions, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { EVENT_COMMANDS, PRESENCE_COMMANDS } from '../../src/broker/redis/self-check/used-commands.js';
import { express } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { eventually, pause } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 60_000 }) };
const namesOf = (commands: typeof EVENT_COMMANDS): string[] => [
  ...new Set(commands.map(([name]) => name.toLowerCase())),
];

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'the check of what Redis executes, over %s',
  (driver) => {
    const emitWarning = process.emitWarning.bind(process);
    const lines: string[] = [];
    const open: SseBroker[] = [];
    let server: RedisServer;
    let users = 0;
    // Each broker is alone, since warnings of other nodes are not the subject.
    let prefixes = 0;

    beforeAll(async () => {
      server = await RedisServer.start();
    });
    beforeEach(() => {
      users++;
      process.emitWarning = (warning: string | Error) => void lines.push(String(warning));
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map((broker) => broker.close()));
      process.emitWarning = emitWarning;
      lines.length = 0;
    });
    afterAll(() => server.dispose());

    const brokerAs = (url: string, options: Partial<RedisBrokerOptions> = {}): SseBroker => {
      const timeouts = { connectTimeoutMs: 1_000, publishTimeoutMs: 1_000 };
      const broker = redisBroker({
        url,
        driver,
        prefix: `p${prefixes++}`,
        ...timeouts,
        ...options,
      }) as SseBroker;
      open.push(broker);
      return broker;
    };
    /** Creates a user with all rights except some. */
    const userWith = async (...rights: string[]): Promise<string> => {
      const name = `user${users}`;
      await server.command('ACL', 'SETUSER', name, 'reset', 'on', '>secret', '~*', '&*', '+@all', ...rights);
      return server.url.replace('redis://', `redis://${name}:secret@`);
    };
    const start = async (
      url: string,
      options: Partial<RedisBrokerOptions> = {},
    ): Promise<{ broker: SseBroker; listener: RecordingListener }> => {
      const broker = brokerAs(url, options);
      const listener = new RecordingListener();
      await broker.start(policy, listener);
      return { broker, listener };
    };

    const scripted = namesOf(EVENT_COMMANDS).map((right) => [right, right]);
    it.each([
      ...scripted,
      ['evalsha', 'evalsha'],
      ['ssubscribe', 'ssubscribe'],
      ['sunsubscribe', 'sunsubscribe'],
    ])('names the missing right %s at start: in the log, in `failure` and nowhere as live', async (right) => {
      const { broker, listener } = await start(await userWith(`-${right}`));
      await eventually(() => lines.length > 0 && broker.failure !== undefined, 'the line');
      expect(lines[0]).toMatch(new RegExp(`NOPERM.*\\b${right}\\b`, 'i'));
      expect(broker.failure?.message).toMatch(new RegExp(`\\b${right}\\b`, 'i'));
      expect(listener.states).not.toContain('live');
    });

    it('names all that is missing in one line, and is live once it is granted', async () => {
      const { broker, listener } = await start(await userWith('-xadd', '-xrevrange', '-spublish'));
      await eventually(() => lines.length > 0, 'the line');
      await pause(300);
      expect(lines).toEqual([expect.stringContaining(': spublish, xadd, xrevrange (')]);
      await userWith();
      await eventually(() => listener.states.at(-1) === 'live', 'live');
      expect(broker.failure).toBeUndefined();
      expect(lines.slice(1)).toEqual(['The Redis broker is live again.']);
    });

    it('names the keys and the channels that a user may not use', async () => {
      await start(await userWith('resetkeys', '~other:*'));
      await eventually(() => lines.length > 0, 'the line');
      expect(lines[0]).toMatch(/NOPERM.*key/);
      await start(await userWith('resetchannels', '&other:*'));
      await eventually(() => lines.length > 1, 'the line');
      expect(lines[1]).toMatch(/NOPERM.*channel/);
    });

    it('lets an application that requires the broker fail at its start by name', async () => {
      const broker = brokerAs(await userWith('-xtrim'), { requireBroker: true });
      await expect(broker.start(policy, new RecordingListener())).rejects.toMatchObject({
        code: 'broker-unavailable',
        message: expect.stringMatching(/xtrim \(.*run this command/),
      });
    });

    it.each(namesOf(PRESENCE_COMMANDS).filter((name) => !namesOf(EVENT_COMMANDS).includes(name)))(
      'names the right %s in an application with presence, and needs it nowhere else',
      async (right) => {
        const url = await userWith(`-${right}`);
        const { listener } = await start(url);
        expect(listener.states.at(-1)).toBe('live');
        expect(lines).toEqual([]);
        const rooms = { '*': { presence: true } };
        const options = { broker: brokerAs(url), identify: () => undefined, rooms };
        const app = await express.start(sseApp({ options }));
        await eventually(() => app.logger.complaints.length > 0, 'the line');
        await app.close();
        const text: unknown = expect.stringMatching(new RegExp(`cannot store presence.*\\b${right}\\b`, 'i'));
        expect(app.logger.complaints).toEqual([{ level: 'warn', text }]);
        expect(lines).toEqual([]);
      },
    );

    it('leaves no key, and works while Redis is out of memory', async () => {
      await start(server.url, { prefix: 'full' });
      expect(await server.command('EXISTS', 'full:{0}:x')).toBe(':0');
      await server.command('CONFIG', 'SET', 'maxmemory', '1000000');
      const { listener } = await start(server.url, { prefix: 'full' });
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
      expect(listener.states.at(-1)).toBe('live');
    });

    it.each([
      ['XADD', 'a renamed command'],
      ['SPUBLISH', 'sharded channels, as Redis 6 does'],
      ['SSUBSCRIBE', 'sharded subscriptions'],
      ['XTRIM', 'a part of streams'],
      ['EVAL', 'scripts'],
    ])('names %s on a server that lacks it: %s', async (command) => {
      const other = await RedisServer.start(['--rename-command', command, '']);
      try {
        const { broker } = await start(other.url);
        await eventually(() => lines.length > 0 && broker.failure !== undefined, 'the line');
        expect(lines[0]).toMatch(new RegExp(`\\b${command}\\b.*unknown|unknown.*\\b${command}\\b`, 'i'));
      } finally {
        await Promise.all(open.splice(0).map((broker) => broker.close()));
        await other.dispose();
      }
    });

    it('gives the reason of the network where the certificate is not trusted, or the port speaks TLS', async () => {
      const tls: Server = createTlsServer({ key: throwAwayKey, cert: throwAwayCertificate }, (socket) =>
        socket.on('error', () => {}),
      );
      tls.on('tlsClientError', () => {});
      await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
      const { port } = tls.address() as AddressInfo;
      const untrusted = await start(`rediss://127.0.0.1:${port}`);
      expect(untrusted.broker.failure?.message).toMatch(/self.signed certificate/);
      const plain = await start(`redis://127.0.0.1:${port}`);
      expect(plain.broker.failure).toBeInstanceOf(Error);
      expect(lines).toEqual([
        expect.stringMatching(/The reason: self.signed certificate/),
        expect.stringMatching(/The reason: ./),
      ]);
      await Promise.all(open.splice(0).map((broker) => broker.close()));
      await new Promise((resolve) => tls.close(resolve));
    });

    it('is `brokerError` of the service while the broker is not live, and nothing afterwards', async () => {
      const url = await userWith('-xadd');
      const app = await express.start(sseApp({ options: { broker: brokerAs(url) } }));
      expect(app.sse.brokerError?.message).toContain('xadd');
      await userWith();
      await eventually(() => app.sse.brokerError === undefined, 'no error');
      await server.command('ACL', 'SETUSER', `user${users}`, 'off');
      await server.command('CLIENT', 'KILL', 'USER', `user${users}`);
      await eventually(() => /WRONGPASS/.test(app.sse.brokerError?.message ?? ''), 'the reason');
      await app.close();
    });
  },
);
