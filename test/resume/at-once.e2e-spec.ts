import type { SseClient } from 'nestjs-simple-sse';
import { ClientResumes } from '../../src/rooms/resume/client-resumes.js';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { positionOf } from '../support/wire-ids.js';
import { within } from '../support/within.js';
import { SessionPage, sessionApp } from '../sessions/session-app.js';
import { PausableBroker } from './pausable-broker.js';
import { listenFrom, pauseHandler, readyOf, receivedUntil, TestController, textsOf } from './test-app.js';
import type { Platform } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';

type ReadyAtOnce = (this: ClientResumes, client: SseClient, timing: object) => string | undefined;

const methods = ClientResumes.prototype as unknown as { readyAtOnce: ReadyAtOnce };
const original = methods.readyAtOnce;

const KIB = 1_024;

/** The client as the method sees it, with other values of some properties. */
function seenAs<T extends object>(target: T, other: Partial<Record<keyof T, unknown>>): T {
  return new Proxy(target, {
    get: (_, name) => {
      if (name in other) return other[name as keyof T];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const seeing = (other: (client: SseClient) => Partial<Record<keyof SseClient, unknown>>): ReadyAtOnce =>
  function (client, timing) {
    return original.call(this, seenAs(client, other(client)), timing);
  };

/** Texts that a client received, and those that it must have received. */
interface Outcome {
  readonly received: readonly string[];
  readonly expected: readonly string[];
}

interface Case {
  readonly name: string;
  /** True if the client begins without a wait. */
  readonly isAtOnce: boolean;
  readonly run: (running: RunningApp, broker: PausableBroker) => Promise<Outcome>;
  readonly mutant: ReadyAtOnce;
  readonly mutantName: string;
}

/** Requests a stream whose handler waits, in a room that the node receives already. */
async function pausedBeforeOpening(running: RunningApp): Promise<{
  readonly handler: ReturnType<typeof pauseHandler>;
  readonly listening: ReturnType<typeof listenFrom>;
}> {
  await listenFrom(running, '/in?rooms=a');
  const handler = pauseHandler(running);
  const listening = listenFrom(running, '/slow?rooms=a');
  await handler.reached;
  return { handler, listening };
}

/** Position of the event that was published before the opening. */
let newestPosition = 0;

const cases: readonly Case[] = [
  {
    name: 'a new client receives what is published between its request and the opening, after sse:ready and once',
    isAtOnce: true,
    async run(running) {
      const { handler, listening } = await pausedBeforeOpening(running);
      const during = (await running.sse.broadcast('a', 'during')) as string;
      newestPosition = positionOf(during);
      handler.release();
      const stream = await listening;
      await running.sse.broadcast('a', 'live');
      const received = await receivedUntil(stream, 'live');
      expect(received[0]?.event).toBe('sse:ready');
      const { id } = readyOf(received);
      if (positionOf(id) >= positionOf(during)) return { received: [], expected: ['a position before'] };
      return { received: textsOf(received), expected: ['during', 'live'] };
    },
    mutantName: 'that begins at the position of its opening',
    mutant: function (client, timing) {
      const { cursor } = client.connection;
      cursor.move(0, { ...cursor.point(0), position: newestPosition });
      return original.call(this, client, timing);
    },
  },
  {
    name: 'a client that resumes receives what it missed',
    isAtOnce: false,
    async run(running) {
      await listenFrom(running, '/in?rooms=a');
      const from = (await running.sse.broadcast('a', 'known')) as string;
      await running.sse.broadcast('a', 'missed');
      const stream = await listenFrom(running, '/in?rooms=a', from);
      await running.sse.broadcast('a', 'live');
      return { received: textsOf(await receivedUntil(stream, 'live')), expected: ['missed', 'live'] };
    },
    mutantName: 'that ignores the Last-Event-ID',
    mutant: seeing(() => ({ lastEventId: undefined })),
  },
  {
    name: 'the first client of a room receives what is published before the broker delivers the room',
    isAtOnce: false,
    async run(running, broker) {
      await listenFrom(running, '/in?rooms=other');
      const paused = broker.pauseAt('before subscribe');
      const stream = await listenFrom(running, '/in?rooms=a');
      await paused.reached();
      await running.sse.broadcast('a', 'during');
      paused.release();
      await within(running.sse.internals.hub.whenSubscribed('a') ?? Promise.resolve(), 'the room');
      await running.sse.broadcast('a', 'live');
      const received = await receivedUntil(stream, 'live');
      // What is newer than the position that the client was sent.
      const page = await broker.read(['a'], positionOf(readyOf(received).id));
      return { received: textsOf(received), expected: page.messages.map(({ data }) => data) };
    },
    mutantName: 'that does not wait for the broker',
    mutant: seeing(() => ({ roomNames: () => [] })),
  },
  {
    name: 'a new client receives what exceeds the limit of its gate before the opening',
    isAtOnce: false,
    async run(running) {
      const { handler, listening } = await pausedBeforeOpening(running);
      const during = Array.from({ length: 200 }, (_, n) => `during ${n} ${'x'.repeat(KIB)}`);
      for (const text of during) await running.sse.broadcast('a', text);
      handler.release();
      const stream = await listening;
      await running.sse.broadcast('a', 'live');
      const received = await Promise.race([receivedUntil(stream, 'live'), stream.ended.then(() => [])]);
      return { received: textsOf(received), expected: [...during, 'live'] };
    },
    mutantName: 'that ignores an overflow',
    mutant: seeing(({ connection }) => ({ connection: seenAs(connection, { gate: { overflowed: false } }) })),
  },
];

describe.each(platforms)('the beginning of a stream without a wait, on $name', (platform: Platform) => {
  let running: RunningApp;
  const answers: (string | undefined)[] = [];

  /** Notes the answers of the method, or of the mutant in its place. */
  function observe(method: ReadyAtOnce): void {
    answers.length = 0;
    methods.readyAtOnce = function (client, timing) {
      const answer = method.call(this, client, timing);
      answers.push(answer);
      return answer;
    };
  }

  afterEach(async () => {
    methods.readyAtOnce = original;
    await running.close();
  });

  async function outcomeOf({ run }: Case): Promise<Outcome> {
    const broker = new PausableBroker();
    const options = { broker, maxQueuedBytes: 128 * KIB };
    running = await platform.start(sseApp({ controllers: [TestController], options }));
    return run(running, broker);
  }

  describe.each(cases)('$name,', (each) => {
    it(`and ${each.isAtOnce ? 'waits for nothing' : 'begins after what it has to wait for'}`, async () => {
      observe(original);
      const { received, expected } = await outcomeOf(each);
      expect(received).toEqual(expected);
      expect(answers.at(-1) !== undefined).toBe(each.isAtOnce);
    });

    it(`which a beginning ${each.mutantName} breaks`, async () => {
      observe(each.mutant);
      const { received, expected } = await outcomeOf(each);
      expect(answers.at(-1)).toBeDefined();
      expect(received).not.toEqual(expected);
    });
  });

  it('a stream whose session has rooms is in them again, and begins after its session', async () => {
    observe(original);
    running = await platform.start(sessionApp({}));
    const page = new SessionPage();
    const client = await page.connect(running);
    await client.join('chat');
    await page.untilNow(running);
    await page.cut(client);
    const again = await page.connect(running);
    expect([...again.rooms]).toContain('chat');
    expect(answers.at(-1)).toBeUndefined();
  });
});
