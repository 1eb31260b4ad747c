import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { brokerContract } from 'nestjs-simple-sse/testing';
import { describeWithRedis, RedisServer } from './redis-server.js';

/** Longer than the default: the machine of these tests may be slow. */
const publishTimeoutMs = 20_000;

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])('the broker contract over %s', (driver) => {
  let server: RedisServer;
  let fixtures = 0;

  beforeAll(async () => {
    server = await RedisServer.start();
  });

  afterAll(() => server.dispose());

  const cases = brokerContract({
    name: driver,
    shared: true,
    createFixture: () => {
      const prefix = `contract-${driver}-${fixtures++}`;
      return { createBroker: () => redisBroker({ url: server.url, driver, prefix, publishTimeoutMs }) };
    },
  });
  for (const { name, skipped, run } of cases) {
    if (skipped === undefined) it(name, run);
    else it.skip(`${name} (${skipped})`, run);
  }
});
