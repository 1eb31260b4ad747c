import { readFileSync } from 'node:fs';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Reads the command in docs/07-several-nodes.md that creates a user with the least rights. */
function documentedUser(): string[] {
  const [command] = /^ACL SETUSER [^`]+/m.exec(readFileSync('docs/07-several-nodes.md', 'utf8')) ?? [];
  return (command ?? '').trim().split(/\s+/);
}

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a Redis user with the documented rights, over %s',
  (driver) => {
    let server: RedisServer;
    let fixtures = 0;

    beforeAll(async () => {
      server = await RedisServer.start();
      expect(await server.command(...documentedUser())).toBe('+OK');
    });
    afterAll(() => server.dispose());

    const cases = brokerContract({
      name: 'may',
      shared: true,
      createFixture: () => {
        const url = server.url.replace('redis://', 'redis://app:secret@');
        const prefix = `sse:${fixtures++}`;
        return { createBroker: () => redisBroker({ url, driver, prefix }) };
      },
    });
    // These cases use every command; the whole contract takes long.
    const some = cases.filter(({ name }) =>
      /retried publish|newest n events|position of the read|subscribed rooms covers|volatile|store|user|control message/.test(
        name,
      ),
    );

    it('can run the broker contract, and Redis denies no command', async () => {
      expect(some.length).toBeGreaterThan(4);
      for (const { run } of some) await run();
      expect(await server.command('ACL', 'LOG', '1')).toBe('*0');
    }, 120_000);

    it('fails this test where a right is missing', async () => {
      await server.command('ACL', 'SETUSER', 'app', '-xadd');
      await expect(some[0]?.run()).rejects.toThrow();
      expect(await server.command('ACL', 'LOG', '1')).not.toBe('*0');
    }, 60_000);
  },
);
