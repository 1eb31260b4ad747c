import { MemoryBroker, SseError, type UserStreamStore } from 'nestjs-simple-sse';
import { express, platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { eventually, someTurns, within } from '../support/within.js';
import { limitedApp, LimitedController, metrics } from './limits-app.js';
import type { SseLimitOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const LIMIT = 'maxStreamsPerUserOnAllNodes';
const as = (user: string): { headers: Record<string, string> } => ({ headers: { user } });

/** A memory broker whose answers about streams may wait. */
class SlowBroker extends MemoryBroker {
  adds = 0;
  removed: string[] = [];
  wait: () => Promise<void> = () => Promise.resolve();

  constructor() {
    super();
    const { userStreams: memory } = this;
    const store: UserStreamStore = {
      add: async (...args) => {
        this.adds++;
        const outcome = memory.add(...args);
        await this.wait();
        return outcome;
      },
      remove: (client) => {
        this.removed.push(client);
        memory.remove(client);
      },
    };
    Object.assign(this, { userStreams: store });
  }
}

describe.each(platforms)('the limit of streams of a user over all nodes, on $name,', (platform) => {
  let running: RunningApp;
  let broker: SlowBroker;
  let go: () => void;

  async function start(limits: SseLimitOptions): Promise<void> {
    broker = new SlowBroker();
    running = await platform.start(limitedApp({ retryAfterMs: 2_000, ...limits }, { broker }));
  }
  function hold(): void {
    const going = new Promise<void>((resolve) => (go = resolve));
    broker.wait = () => going;
  }

  beforeEach(() => {
    metrics.limits.length = 0;
  });
  afterEach(async () => {
    go?.();
    await running.disconnectAll();
    await running.close();
  });

  it('refuses a stream over it as maxStreamsPerUser does, and has room once another one has ended', async () => {
    await start({ [LIMIT]: 1 });
    const first = await running.listen('/stream', as('ada'));
    await running.listen('/stream', as('grace'));
    await running.listen('/stream');
    const refused = await running.open('/stream', as('ada'));
    expect([refused.status, refused.isEventStream]).toEqual([200, true]);
    expect(await within(refused.ended, 'the end')).toBe('whole');
    expect([refused.events, refused.retries.length]).toEqual([[], 1]);
    const status = await running.open('/raw', { headers: { user: 'ada', accept: 'application/json' } });
    expect(status.status).toBe(429);
    expect(metrics.limits).toEqual([LIMIT, LIMIT]);
    expect(await running.sse.presence('lobby')).toMatchObject([
      { user: 'ada', connections: 1 },
      { user: 'grace', connections: 1 },
    ]);
    first.close();
    await eventually(() => running.sse.count() === 2, 'its end');
    expect(await running.sse.presence('lobby')).toMatchObject([{ user: 'grace' }]);
    await running.listen('/raw', as('ada'));
  });

  it("ends the oldest stream of the user as replaced with atUserLimit: 'end-oldest'", async () => {
    await start({ [LIMIT]: 1, atUserLimit: 'end-oldest' });
    const reasons: string[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const first = await running.listen('/stream', as('ada'));
    await running.listen('/raw', as('ada'));
    expect(await within(first.ended, 'its end')).toBe('whole');
    expect([reasons, first.retries.at(-1)]).toEqual([['replaced'], 86_400_000]);
    expect(metrics.limits).toEqual([LIMIT]);
    await eventually(() => running.sse.count() === 1, 'one stream');
  });

  it('asks the broker once for each stream of a user, and for no other stream', async () => {
    await start({ [LIMIT]: 5 });
    await running.listen('/stream', as('ada'));
    await running.listen('/raw', as('ada'));
    await running.listen('/stream');
    expect(broker.adds).toBe(2);
    await running.disconnectAll();
    await eventually(() => broker.removed.length === 2, 'the removal of each');
  });

  it('is no call to the broker where it is not set', async () => {
    await start({});
    await running.listen('/stream', as('ada'));
    expect(broker.adds).toBe(0);
  });

  it('opens the stream where the broker does not answer, with one line of the log and a count for each', async () => {
    await start({ [LIMIT]: 1 });
    broker.wait = () => Promise.reject(new SseError('broker-unavailable', 'no Redis today'));
    for (let n = 0; n < 3; n++) await running.listen('/stream', as('ada'));
    expect(metrics.limits).toEqual(Array(3).fill(`unchecked ${LIMIT}`));
    const lines = running.logger.lines.filter(({ text }) => text.includes('was not checked'));
    expect(lines).toHaveLength(1);
    expect(lines[0]?.text).toContain('no Redis today');
    expect(await running.sse.presence('lobby')).toMatchObject([{ user: 'ada', connections: 3 }]);
  });

  it('keeps the limit of the node where the broker does not answer', async () => {
    await start({ [LIMIT]: 1, maxStreamsPerUser: 2 });
    broker.wait = () => Promise.reject(new SseError('broker-unavailable', 'no Redis today'));
    for (let n = 0; n < 2; n++) await running.listen('/stream', as('ada'));
    const refused = await running.open('/stream', { headers: { user: 'ada', accept: 'application/json' } });
    expect(refused.status).toBe(429);
  });

  it.each(['/stream', '/raw'])(
    'releases a client of %s that leaves while the broker is asked, and no list of members has it',
    async (path) => {
      await start({ [LIMIT]: 1 });
      const changes: string[] = [];
      running.sse.presence$('lobby').subscribe(({ type, user }) => changes.push(`${type} ${user}`));
      hold();
      const request = running.open(path, as('ada')).catch(() => undefined);
      await eventually(() => broker.adds === 1, 'the question');
      running.server.closeAllConnections();
      await eventually(() => running.sse.count() === 0, 'its end');
      go();
      await request;
      await eventually(() => broker.removed.length === 1, 'the removal');
      broker.wait = () => Promise.resolve();
      await running.listen(path, as('ada'));
      await eventually(() => changes.length > 0, 'the join');
      expect(changes).toEqual(['join ada']);
    },
  );

  it.each(['/stream', '/raw'])(
    'asks a client of %s to come back where the node shuts down while the broker is asked',
    async (path) => {
      await start({ [LIMIT]: 1 });
      hold();
      const opening = running.open(path, as('ada'));
      await eventually(() => broker.adds === 1, 'the question');
      const down = running.shutDown();
      const stream = await within(opening, 'an answer');
      expect([stream.status, stream.isEventStream]).toEqual([200, true]);
      expect(await within(stream.ended, 'the end')).toBe('whole');
      go();
      await down;
    },
  );

  it('delivers what is broadcast and sent while the broker is asked', async () => {
    await start({ [LIMIT]: 1 });
    hold();
    const opening = running.listen('/stream', as('ada'));
    await eventually(() => broker.adds === 1, 'the question');
    await running.sse.broadcast('lobby', 'early', 1);
    await someTurns();
    go();
    const stream = await opening;
    expect((await stream.nextEvent()).event).toBe('early');
  });

  it('counts a stream that /removed closes at once no longer', async () => {
    await start({ [LIMIT]: 1 });
    for (let n = 0; n < 3; n++) {
      const stream = await running.open('/removed', as('ada'));
      await within(stream.ended, 'the end');
      await eventually(() => running.sse.count() === 0, 'its end');
    }
    expect(metrics.limits).toEqual([]);
    expect(running.get(LimitedController).reasons).toEqual([]);
  });
});

describe('the limit of streams of a user over all nodes, at start-up,', () => {
  it('is refused by name for a broker that counts no streams', async () => {
    const options = { broker: new WrappedMemoryBroker(), rooms: {} };
    const refusal = await sseRefusal(() => express.start(limitedApp({ [LIMIT]: 5 }, options)));
    expect(refusal).toMatchObject({
      code: 'unsupported-by-broker',
      message: expect.stringContaining(`limits.${LIMIT}`) as unknown,
    });
  });

  it('is refused with end-oldest for a broker that cannot reach other nodes', async () => {
    const broker = Object.assign(new WrappedMemoryBroker(), { userStreams: new MemoryBroker().userStreams });
    const options = { broker, rooms: {} };
    const refusal = await sseRefusal(() =>
      express.start(limitedApp({ [LIMIT]: 5, atUserLimit: 'end-oldest' }, options)),
    );
    expect(refusal).toMatchObject({
      code: 'unsupported-by-broker',
      message: expect.stringContaining('publishControl') as unknown,
    });
  });

  it.each([0, -1, 1.5, '5', true, { max: 5 }])('is refused for %j', async (value) => {
    const refusal = await sseRefusal(() => express.start(limitedApp({ [LIMIT]: unchecked(value) })));
    expect(refusal).toMatchObject({ code: 'invalid-options' });
  });
});
