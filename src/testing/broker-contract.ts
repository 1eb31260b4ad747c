import { historyCases } from './history-cases.js';
import { lifecycleCases } from './lifecycle-cases.js';
import { liveCases } from './live-cases.js';
import { presenceCases } from './presence-cases.js';
import { sharedCases } from './shared-cases.js';
import { sharedPresenceCases } from './shared-presence-cases.js';
import { sharedControlCases, controlCases } from './control-cases.js';
import { ContractHarness, type BrokerMedium, type CaseBody } from './contract-harness.js';

/** What the suite is told of a broker. */
export interface BrokerContractOptions {
  /** Stands before the name of each case. */
  readonly name: string;
  /** An empty memory that no other case uses: each case asks for its own. */
  readonly createMedium: () => BrokerMedium | Promise<BrokerMedium>;
  /** Whether brokers of one medium hear each other; `false` for one that keeps its memory in the process. */
  readonly shared: boolean;
  /** Optional parts that the broker does not have; their cases are skipped. Default: it has them all. */
  readonly without?: readonly ('publishControl' | 'presence')[];
  /** Cases that cannot hold, by their name without the prefix, and why. An unknown name is refused. Default: none. */
  readonly skips?: Readonly<Record<string, string>>;
  /** How long a case waits for something that must happen, in milliseconds. Default: 5,000. */
  readonly patienceMs?: number;
  /**
   * How long, in milliseconds, the case about expired events watches events of 200 ms expire and be forgotten. Longer than
   * the broker takes to forget such a room. Default: 3,000.
   */
  readonly expiryWatchMs?: number;
}

/** One promise of the broker interface, for whatever test runner. */
export interface BrokerContractCase {
  readonly name: string;
  /** Why it is skipped; `undefined` where it is not. */
  readonly skipped: string | undefined;
  /** Rejects where the broker breaks the promise. Takes up to 20 seconds. */
  readonly run: () => Promise<void>;
}

/**
 * Everything that `SseBroker` promises, as cases to run:
 *
 * ```ts
 * for (const { name, skipped, run } of brokerContract({ name: 'mine', createMedium, shared: true }))
 *   test(name, { skip: skipped }, run);
 * ```
 *
 * A broker that passes carries exact resume: what `docs/13-guarantees.md` promises rests on these cases alone.
 */
export function brokerContract(options: BrokerContractOptions): BrokerContractCase[] {
  const {
    name: prefix,
    createMedium,
    shared,
    without = [],
    skips = {},
    patienceMs = 5_000,
    expiryWatchMs = 3_000,
  } = options;
  const onlyShared = { ...sharedCases, ...sharedControlCases, ...sharedPresenceCases };
  const optional = {
    publishControl: { ...controlCases, ...sharedControlCases },
    presence: { ...presenceCases, ...sharedPresenceCases },
  };
  const bodies: Record<string, CaseBody> = {
    ...liveCases,
    ...historyCases,
    ...lifecycleCases,
    ...controlCases,
    ...presenceCases,
    ...onlyShared,
  };
  const reasonToSkip = (name: string): string | undefined => {
    const missing = without.find((part) => name in optional[part]);
    if (missing !== undefined) return `it has no ${missing}`;
    return skips[name] ?? (!shared && name in onlyShared ? 'its memory is not shared' : undefined);
  };
  for (const name of Object.keys(skips)) {
    if (!Object.hasOwn(bodies, name)) throw new Error(`The broker contract has no case "${name}" to skip.`);
  }
  return Object.entries(bodies).map(([name, body]) => ({
    name: `${prefix}: ${name}`,
    skipped: reasonToSkip(name),
    run: async () => {
      const bench = new ContractHarness(await createMedium(), { patienceMs, expiryWatchMs });
      try {
        await body(bench);
      } finally {
        await bench.dispose();
      }
    },
  }));
}
