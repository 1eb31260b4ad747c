import { jest } from '@jest/globals';
import type { HistoryPolicy } from 'nestjs-simple-sse';
import { redisBroker, type RedisDriverName } from 'nestjs-simple-sse/redis';
import { BrokerClient } from '../oracle/broker-client.js';
import { BrokerNode } from '../oracle/broker-node.js';
import { runBrokerOracle } from '../oracle/broker-oracle.js';
import { EXACT_WITHOUT_GAPS } from '../oracle/verdict.js';
import { eventually } from '../support/within.js';
import { CountedReads } from './counted-reads.js';
import { describeWithRedis, RedisServer } from './redis-server.js';

const policy: HistoryPolicy = { maxBytes: 2 ** 26, limitsOf: () => ({ maxEvents: 256, maxAgeMs: 60_000 }) };
const rooms = ['a', 'b', '*'];
const texts = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix} ${n}`);

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])('many resumes at once, over %s', (driver) => {
  let server: RedisServer;
  let reads: CountedReads;
  const nodes: BrokerNode[] = [];

  beforeEach(async () => {
    server = await RedisServer.start();
    reads = new CountedReads();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(nodes.splice(0).map(({ broker }) => broker.close()));
    await server.dispose();
  });

  async function startNode(): Promise<BrokerNode> {
    const node = new BrokerNode(redisBroker({ url: server.url, driver }), policy);
    nodes.push(node);
    await node.start();
    return node;
  }

  it('after a cut of the subscriber are answered by the node without a read, completely and in order', async () => {
    const [node, other] = [await startNode(), await startNode()];
    const clients = await attached(node, 100);
    for (const text of texts(5, 'received')) await publish(other, text);
    await eventually(() => clients.every(({ received }) => received.length === 5), 'the first events');
    for (const client of clients) client.detach();
    await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually(() => node.states.includes('down'), 'the cut');
    for (const text of texts(5, 'missed')) await publish(other, text, ['b', 'a']);
    await eventually(() => node.state === 'live', 'live');

    const before = reads.count;
    await Promise.all(clients.map((client) => client.attachTo(node)));
    expect(reads.count - before).toBe(0);
    await publish(other, 'last');
    const expected = [...texts(5, 'received'), ...texts(5, 'missed'), 'last'];
    await eventually(() => clients.every(({ received }) => received.length >= expected.length), 'all events');
    for (const client of clients) expect(textsOf(client)).toEqual(expected);
  });

  it('on a node that has just started read the same history a few times, not once for each client', async () => {
    const node = await startNode();
    const clients = await attached(node, 100);
    await publish(node, 'received');
    await eventually(() => clients.every(({ received }) => received.length === 1), 'the first event');
    for (const client of clients) client.detach();
    for (const text of texts(5, 'missed')) await publish(node, text);

    const late = await startNode();
    const before = reads.count;
    // Ten at a time, while events are published.
    for (let n = 0; n < 10; n++) {
      await Promise.all(clients.slice(10 * n, 10 * n + 10).map((client) => client.attachTo(late)));
      await publish(node, `meanwhile ${n}`);
    }
    expect(reads.count - before).toBeGreaterThan(0);
    expect(reads.count - before).toBeLessThanOrEqual(20);
    const expected = ['received', ...texts(5, 'missed'), ...texts(10, 'meanwhile')];
    await eventually(() => clients.every(({ received }) => received.length >= expected.length), 'all events');
    for (const client of clients) expect(textsOf(client)).toEqual(expected);
  });

  it('on any node while subscribers are cut need a read in half of the cases at most', async () => {
    const verdict = await runBrokerOracle({
      seed: 20_261_125,
      createBroker: () => redisBroker({ url: server.url, driver }),
      fault: async ({ clients }) => {
        const resumed = (): number => clients.reduce((sum, { resumes }) => sum + resumes, 0);
        for (let cuts = 1; cuts <= 4; cuts++) {
          await eventually(() => resumed() >= 60 * cuts, 'more resumes', 60_000);
          await server.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
        }
      },
    });
    expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(verdict.resumes).toBeGreaterThan(20);
    // The reads of the nodes themselves after each cut count too.
    expect(reads.count / verdict.resumes).toBeLessThan(0.5);
  });
});

async function publish(node: BrokerNode, data: string, to: readonly string[] = ['a']): Promise<void> {
  await node.broker.publish(to, { data, serialized: false }, {});
}

async function attached(node: BrokerNode, count: number): Promise<BrokerClient[]> {
  const clients = Array.from({ length: count }, () => new BrokerClient(rooms, () => node));
  await Promise.all(clients.map((client) => client.attachTo(node)));
  return clients;
}

function textsOf(client: BrokerClient): string[] {
  return client.received.map((item) => (item.kind === 'event' ? item.key : 'gap'));
}
