import type { HistoryPolicy, PublishReceipt } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { RecordingListener } from './recording-listener.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = {
  maxBytes: 2 ** 26,
  limitsOf: () => ({ maxEvents: 1_000, maxAgeMs: 600_000 }),
};

describeWithRedis('a Redis that is killed within its write to the AOF, trusted', () => {
  let server: RedisServer;

  beforeEach(async () => {
    const durable = ['--appendonly', 'yes', '--appendfsync', 'always', '--aof-load-truncated', 'no'];
    server = await RedisServer.start(durable);
  });
  afterEach(() => server.dispose());

  /** Publishes through a node that has just started, and remembers no event. */
  async function publish(text: string): Promise<PublishReceipt> {
    const broker = redisBroker({ url: server.url, onFailover: 'trust' });
    await broker.start(policy, new RecordingListener());
    try {
      return await broker.publish(['a'], { data: text, serialized: false }, { idempotencyKey: text });
    } finally {
      await broker.close();
    }
  }

  async function stored(): Promise<string[]> {
    const broker = redisBroker({ url: server.url, onFailover: 'trust' });
    await broker.start(policy, new RecordingListener());
    const { messages } = await broker.read(['a'], undefined, 100);
    await broker.close();
    return messages.map(({ data }) => data);
  }

  it('has the event once after its repair, whose publisher repeats it, also after the next restart', async () => {
    await publish('before');
    await publish('torn');
    await server.kill();
    server.tearWriteOf('torn');
    await expect(server.launch()).rejects.toThrow('has ended at its start');
    server.repairFile();
    await server.launch();
    expect(await stored()).toEqual(['before']);
    expect(await publish('torn')).toMatchObject({ duplicate: false });
    expect(await publish('torn')).toMatchObject({ duplicate: true });
    await server.restart();
    expect(await stored()).toEqual(['before', 'torn']);
    await publish('after');
    expect(await stored()).toEqual(['before', 'torn', 'after']);
  });
});
