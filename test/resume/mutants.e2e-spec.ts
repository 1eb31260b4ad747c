import { ClientConnection } from '../../src/connection/client-connection.js';
import { seededRandom } from '../../src/testing/seeded-random.js';
import { express } from '../support/platforms.js';
import { chosenSeed, runOracle, type Figures } from './oracle.js';
import { RestlessBroker } from './restless-broker.js';

type Method = (this: ClientConnection, ...args: unknown[]) => unknown;

const methods = ClientConnection.prototype as unknown as Record<string, Method>;

interface Mutant {
  readonly name: string;
  readonly method: string;
  readonly replaced: (original: Method) => Method;
  /** Whether the oracle has seen what this one does. */
  readonly isCaught: (figures: Figures) => boolean;
}

/** Faults that the oracle must see, or it proves nothing. */
const mutants: Mutant[] = [
  {
    name: 'without a gate',
    method: 'shutGate',
    replaced: () => () => {},
    isCaught: ({ silentLosses, disorder }) => silentLosses > 100 && disorder > 10,
  },
  {
    name: 'without knowing what was sent already',
    method: 'push',
    replaced: (push) =>
      function (...args) {
        this.cursor.move(0, { ...this.cursor.point(0), position: 0 });
        return push.apply(this, args);
      },
    isCaught: ({ duplicates }) => duplicates > 100,
  },
  {
    name: 'that reads what was missed only once the gate is open',
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

  const run = (): Promise<Figures> =>
    runOracle({
      platform: express,
      seed,
      events: 2_500,
      pages: 30,
      options: {
        historyMaxEvents: 100_000,
        historyMaxBytes: 2 ** 31,
        broker: new RestlessBroker(seededRandom(seed)),
      },
    });

  it.each(mutants)(
    `catches a connection $name (SEED=${seed})`,
    async ({ name, method, replaced, isCaught }) => {
      const original = methods[method] as Method;
      methods[method] = replaced(original);
      try {
        const figures = await run();
        process.stdout.write(`mutant ${name}: ${JSON.stringify(figures)}\n`);
        expect([isCaught(figures), figures]).toEqual([true, figures]);
      } finally {
        methods[method] = original;
      }
    },
  );

  it(`finds nothing in what is not mutated (SEED=${seed})`, async () => {
    const figures = await run();
    process.stdout.write(`no mutant: ${JSON.stringify(figures)}\n`);
    expect(figures).toMatchObject({ silentLosses: 0, duplicates: 0, disorder: 0, foreign: 0, gaps: 0 });
    expect(figures.resumes).toBeGreaterThan(50);
  });
});
