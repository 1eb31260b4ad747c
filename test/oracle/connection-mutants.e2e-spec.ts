import { ClientConnection } from '../../src/connection/client-connection.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { express } from '../support/platforms.js';
import { FlakyBroker } from './flaky-broker.js';
import { chosenSeed } from '../support/seeds.js';
import { runHttpOracle, type HttpVerdict } from './http-oracle.js';
import { EXACT_WITHOUT_GAPS, logVerdict } from './verdict.js';

type Method = (this: ClientConnection, ...args: unknown[]) => unknown;

const methods = ClientConnection.prototype as unknown as Record<string, Method>;

interface Mutant {
  readonly name: string;
  readonly method: string;
  readonly replaced: (original: Method) => Method;
  /** Returns true for a verdict that shows this fault. */
  readonly isCaught: (verdict: HttpVerdict) => boolean;
}

/** Faults that the oracle must find, or its verdicts prove nothing. */
const mutants: Mutant[] = [
  {
    name: 'without a gate',
    method: 'shutGate',
    replaced: () => () => {},
    isCaught: ({ silentLosses, outOfOrder }) => silentLosses > 100 && outOfOrder > 10,
  },
  {
    name: 'that ignores which events it has sent',
    method: 'push',
    replaced: (push) =>
      function (...args) {
        this.cursor.move(0, { ...this.cursor.point(0), position: 0 });
        return push.apply(this, args);
      },
    isCaught: ({ duplicates }) => duplicates > 100,
  },
  {
    name: 'that replays only after its gate is open',
    method: 'open',
    replaced: (open) =>
      function (...args) {
        open.apply(this, args);
        this.openGate();
      },
    isCaught: ({ silentLosses }) => silentLosses > 100,
  },
];

describe('the oracle', () => {
  const seed = chosenSeed();

  const run = (): Promise<HttpVerdict> =>
    runHttpOracle({
      platform: express,
      seed,
      events: 2_500,
      clients: 30,
      options: {
        historyMaxEvents: 100_000,
        historyMaxBytes: 2 ** 31,
        broker: new FlakyBroker(seededRandom(seed)),
      },
    });

  it.each(mutants)(
    `catches a connection $name (SEED=${seed})`,
    async ({ name, method, replaced, isCaught }) => {
      const original = methods[method] as Method;
      methods[method] = replaced(original);
      try {
        const verdict = await run();
        logVerdict(`mutant ${name}`, verdict);
        expect([isCaught(verdict), verdict]).toEqual([true, verdict]);
      } finally {
        methods[method] = original;
      }
    },
  );

  it(`finds no fault without a mutant (SEED=${seed})`, async () => {
    const verdict = await run();
    logVerdict('no mutant', verdict);
    expect(verdict).toMatchObject(EXACT_WITHOUT_GAPS);
    expect(verdict.resumes).toBeGreaterThan(50);
  });
});
