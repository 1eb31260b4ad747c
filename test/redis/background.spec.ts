import type { RedisDriverName } from 'nestjs-simple-sse/redis';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { startTestApp } from '../resume/test-app.js';
import { PATIENCE_MS, within } from '../support/within.js';
import { WorkerScript, type WorkerEnding } from '../support/worker-script.js';
import { describeWithRedis, RedisServer } from './redis-server.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

describeWithRedis.each<RedisDriverName>(['redis', 'ioredis'])(
  'a process without HTTP, over %s,',
  (driver) => {
    let script: WorkerScript;
    let server: RedisServer;
    let node: RunningApp;
    let stream: EventStream;

    beforeAll(() => {
      script = new WorkerScript();
    });
    beforeEach(async () => {
      server = await RedisServer.start();
      node = await startTestApp({
        broker: redisBroker({ url: server.url, driver }),
        rooms: { 'chat/*': { presence: true } },
        identify: () => ({ user: 'ann' }),
      });
      stream = await node.listen('/in?rooms=chat/1');
      await stream.nextEvent({ control: true });
    });
    afterEach(async () => {
      await node.close();
      await server.dispose();
    });
    afterAll(() => script.remove());

    /** What the worker reaches of the one stream of the other node. */
    const RESULTS = {
      stored: true,
      members: ['ann'],
      connections: 1,
      joined: 1,
      sent: 1,
      left: 1,
      disconnected: 1,
      received: ['from the worker'],
      health: 'ready',
    };

    it.each<[WorkerEnding, unknown, unknown]>([
      ['close', [], [0, null]],
      ['drain', [], [0, null]],
      ['signal', undefined, [null, 'SIGTERM']],
    ])(
      'reaches the clients of other nodes, and ends by itself without a handle left: %s',
      async (ending, handles, exit) => {
        await within(membersOf(node), 'the member', PATIENCE_MS);
        const outcome = await script.run(ending, [server.url, driver]);
        expect(outcome).toEqual({ results: RESULTS, handles, exit, errors: '' });
        const events = await within(stream.eventsUntilEnd(), 'the end of the stream');
        expect(events.map(({ data }) => data)).toEqual(['from the worker', '1']);
        expect(stream.retries.at(-1)).toBeLessThanOrEqual(9);
      },
    );

    it('ends by itself without a handle left while Redis is away', async () => {
      await within(membersOf(node), 'the member', PATIENCE_MS);
      const { handles, exit } = await script.run('outage', [server.url, driver], () => server.kill());
      expect({ handles, exit }).toEqual({ handles: [], exit: [0, null] });
    });
  },
);

/** Settles when the node lists the member. */
async function membersOf(node: RunningApp): Promise<void> {
  while ((await node.sse.presence('chat/1')).length === 0);
}
