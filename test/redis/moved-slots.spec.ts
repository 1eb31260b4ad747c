import type { SseBroker } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { eventually } from '../support/within.js';
import { RecordingListener } from './recording-listener.js';
import { RedisCluster } from './redis-cluster.js';
import { describeWithRedis, type RedisServer } from './redis-server.js';

const policy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 100, maxAgeMs: 60_000 }) };
const TAG = '0';
const STATE = 'sse:{0}:m';

/** History that another server has written: the test names a run id that no server has. */
describeWithRedis("the history of a slot that moved to this master, under onFailover: 'gap'", () => {
  let cluster: RedisCluster;
  let owner: RedisServer;
  const brokers: SseBroker[] = [];

  beforeAll(async () => {
    cluster = await RedisCluster.start();
    const broker = await startBroker();
    await broker.publish(['a'], { data: 'x', serialized: false }, {});
    await cluster.move(TAG);
    owner = await cluster.ownerOf(TAG);
  }, 60_000);
  afterEach(async () => {
    await Promise.all(brokers.splice(0).map((broker) => broker.close()));
  });
  afterAll(() => cluster.dispose());

  async function startBroker(): Promise<SseBroker> {
    const broker = redisBroker({ url: cluster.url, cluster: true, connectTimeoutMs: 60_000 });
    brokers.push(broker);
    await broker.start(policy, new RecordingListener());
    return broker;
  }

  const stateOf = (field: string): Promise<string> => owner.command('HGET', STATE, field);

  /** Returns true if the epoch continues on a connection after `change`. */
  async function continues(change: () => Promise<unknown>): Promise<boolean> {
    const epoch = await stateOf('e');
    await owner.command('HSET', STATE, 'r', 'ffffffff');
    await change();
    await eventually(async () => (await stateOf('r')) !== 'ffffffff', 'the check of the server', 60_000);
    return (await stateOf('e')) === epoch;
  }

  it('is continued, if it is newer than the start of the server', async () => {
    expect(await continues(startBroker)).toBe(true);
  });

  it('is not continued, if it is older than the start of the server, which has read it from its disk', async () => {
    await owner.command('HSET', STATE, 'g', '1000');
    expect(await continues(startBroker)).toBe(false);
  });

  it('is not continued, if a node has seen a newer position', async () => {
    const broker = await startBroker();
    const { position } = await broker.publish(['a'], { data: 'x', serialized: false }, {});
    const loseOne = async (): Promise<void> => {
      await owner.command('HSET', STATE, 'g', `${position - 1}`);
      await owner.command('CLIENT', 'KILL', 'TYPE', 'normal');
    };
    expect(await continues(loseOne)).toBe(false);
  });
});
