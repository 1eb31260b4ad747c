import { readFileSync } from 'node:fs';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import { EVENT_COMMANDS, PRESENCE_COMMANDS } from '../../src/broker/redis/self-check/used-commands.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Longer than the default: the machine of these tests may be slow. */
const publishTimeoutMs = 20_000;

/** Commands of the libraries on a new connection (`+@connection`), and of this test. */
const OF_NO_BROKER = /^(hello|auth|select|ping|quit|reset|client\|.*|config\|.*|acl\|.*)$/;
/** Commands outside of the scripts: `INFO` is used by scripts, and may be missing. */
const OUTSIDE_OF_SCRIPTS = ['eval', 'evalsha', 'script|load', 'ssubscribe', 'sunsubscribe', 'info'];

/** The rights in the documentation, apart from categories. */
function documentedRights(): string[] {
  const [command = ''] = /^ACL SETUSER [^`]+/m.exec(readFileSync('docs/07-several-nodes.md', 'utf8')) ?? [];
  return Array.from(command.matchAll(/ \+([a-z|]+)/g), ([, right]) => right as string);
}

function checkedCommands(): string[] {
  const names = [...EVENT_COMMANDS, ...PRESENCE_COMMANDS].map(([name]) => name.toLowerCase());
  return [...new Set([...names, ...OUTSIDE_OF_SCRIPTS])];
}

it('the check at start tries each documented command, and no other', () => {
  expect(checkedCommands().toSorted()).toEqual(documentedRights().toSorted());
});

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'the commands that Redis executes for the broker, over %s',
  (driver) => {
    it('are the documented ones, each of them and no other', async () => {
      const server = await RedisServer.start();
      let fixtures = 0;
      const cases = brokerContract({
        name: 'uses',
        shared: true,
        createFixture: () => {
          const prefix = `used-${fixtures++}`;
          return { createBroker: () => redisBroker({ url: server.url, driver, prefix, publishTimeoutMs }) };
        },
      });
      try {
        for (const { run } of cases) await run();
        const stats = await server.command('INFO', 'commandstats');
        const used = Array.from(stats.matchAll(/^cmdstat_([^:]+):/gm), ([, name]) => name as string);
        expect(used.filter((name) => !OF_NO_BROKER.test(name)).toSorted()).toEqual(
          documentedRights().toSorted(),
        );
      } finally {
        await server.dispose();
      }
    }, 180_000);
  },
);
