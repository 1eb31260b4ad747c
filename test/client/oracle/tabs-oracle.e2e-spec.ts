import { launchChromium, noBrowser, type Browser } from '../../support/chromium.js';
import { describeUnless } from '../../support/describe-unless.js';
import { missingProxy } from '../../proxies/proxy-process.js';
import { describeWithRedis } from '../../redis/redis-server.js';
import { chosenSeed } from '../../support/seeds.js';
import { seededRandom } from '../../../src/testing/seeded-random.js';
import {
  FAULTS,
  LONG_FAULTS,
  TabsRun,
  type FaultName,
  type NextFault,
  type TabsVerdict,
} from './tabs-run.js';

/** Time in which faults are played at random, after each of them was played once. The mutants are run in the long form alone. */
const RANDOM_MS = Number(process.env['SSE_TABS_MS'] ?? 0);
const TIMEOUT_MS = 240_000 + RANDOM_MS * 2;

const names = Object.keys(FAULTS) as FaultName[];

/** Clients with one fault, and what brings it to light. */
const MUTANTS: readonly (readonly [name: string, from: string, to: string, faults: readonly FaultName[]])[] =
  [
    [
      'hands no position over',
      'lastEventId: sentPosition',
      "lastEventId: ''",
      ['close the leader', 'close the leader', 'close the leader'],
    ],
    [
      'counts the uses of a room off by one',
      'room.uses.size > 0',
      'room.uses.size > 1',
      ['use a room twice'],
    ],
    ['has no watchdog', 'watchdog = true', 'watchdog = false', ['silence']],
  ];
/** Time in which the last events reach the tabs of a mutant, if it lets them. */
const MUTANT_END_MS = 3_000;

describeWithRedis('tabs over nginx with two nodes', () => {
  describeUnless(noBrowser ?? missingProxy('nginx'), 'in Chromium', () => {
    let browser: Browser;

    beforeAll(async () => {
      browser = await launchChromium();
    });
    afterAll(() => browser.close());

    async function play(
      next: NextFault,
      seed: number,
      { changed, endMs }: { changed?: (text: string) => string; endMs?: number } = {},
    ): Promise<TabsVerdict> {
      const run = await TabsRun.start(browser, seed, changed);
      try {
        return await run.play(next, endMs);
      } finally {
        await run.dispose();
      }
    }

    it(
      'each receive every event of their rooms once and in order, through all faults',
      async () => {
        const seed = chosenSeed();
        const random = seededRandom(seed + 1);
        const left = names.toSorted(() => random() - 0.5);
        const all = { ...FAULTS, ...LONG_FAULTS };
        let endsAt: number | undefined;
        const next: NextFault = () => {
          const name = left.shift();
          if (name !== undefined) return FAULTS[name];
          endsAt ??= Date.now() + RANDOM_MS;
          if (Date.now() >= endsAt) return undefined;
          return Object.values(all)[Math.floor(random() * Object.keys(all).length)];
        };
        const { faults, received, errors } = await play(next, seed);
        expect({ seed, faults: faults.slice(0, 20), errors }).toEqual({ seed, faults: [], errors: [] });
        expect(received).toBeGreaterThan(100);
      },
      TIMEOUT_MS,
    );

    (RANDOM_MS > 0 ? it : it.skip).each(MUTANTS)(
      'are found wrong with a client that %s',
      async (_name, from, to, faults) => {
        let changes = 0;
        const changed = (text: string): string => {
          if (text.includes(from)) changes++;
          return text.replaceAll(from, to);
        };
        const left = [...faults];
        const next: NextFault = () => {
          const name = left.shift();
          return name === undefined ? undefined : FAULTS[name];
        };
        const verdict = await play(next, chosenSeed(), { changed, endMs: MUTANT_END_MS });
        expect(changes).toBeGreaterThan(0);
        expect(verdict.faults).not.toEqual([]);
      },
      TIMEOUT_MS,
    );
  });
});
