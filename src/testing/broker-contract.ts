import { historyCases } from './history-cases.js';
import { lifecycleCases } from './lifecycle-cases.js';
import { liveCases } from './live-cases.js';
import { presenceCases } from './presence-cases.js';
import { sessionCases, sharedSessionCases } from './session-cases.js';
import { sharedCases } from './shared-cases.js';
import { sharedPresenceCases } from './shared-presence-cases.js';
import { sharedControlCases, controlCases } from './control-cases.js';
import { sharedTicketCases, ticketCases } from './ticket-cases.js';
import { sharedUserStreamCases, userStreamCases } from './user-streams/user-stream-cases.js';
import { runBoundsCases } from './runs/run-bounds-cases.js';
import { runCases } from './runs/run-cases.js';
import { sharedRunCases } from './runs/shared-run-cases.js';
import { ContractHarness, type BrokerFixture, type CaseBody } from './contract-harness.js';

/** Describes the broker under test to `brokerContract`. */
export interface BrokerContractOptions {
  /** Prefix of each case's name. */
  readonly name: string;
  /** Creates an empty backend. Called once per case, so that no two cases share events. */
  readonly createFixture: () => BrokerFixture | Promise<BrokerFixture>;
  /** `true`: brokers of one fixture receive each other's events. `false`: each broker has its own history in the process. */
  readonly shared: boolean;
  /** Optional parts that the broker does not implement; their cases are skipped. Default: none. */
  readonly without?: readonly (
    'publishControl' | 'presence' | 'runs' | 'sessions' | 'tickets' | 'userStreams'
  )[];
  /** Further cases to skip: the case name without the prefix, and the reason. An unknown name throws. Default: none. */
  readonly skips?: Readonly<Record<string, string>>;
  /** Timeout of a case for each expected event or state, in milliseconds. Default: 5,000. */
  readonly timeoutMs?: number;
  /**
   * Duration, in milliseconds, of the case about expired events, whose events expire after 200 ms. Set it longer than the
   * broker takes to remove the last trace of such a room. Default: 3,000.
   */
  readonly expiryWatchMs?: number;
}

/** One promise of the broker interface, for any test runner. */
export interface BrokerContractCase {
  readonly name: string;
  /** The reason to skip the case; `undefined` for a case to run. */
  readonly skipped: string | undefined;
  /** Runs the case on a fixture of its own. Rejects if the broker breaks the promise. Takes up to 20 seconds. */
  readonly run: () => Promise<void>;
}

/**
 * Lists the promises of `SseBroker` as test cases:
 *
 * ```ts
 * for (const { name, skipped, run } of brokerContract({ name: 'mine', createFixture, shared: true }))
 *   test(name, { skip: skipped }, run);
 * ```
 *
 * A broker that passes supports exact resume: `docs/13-guarantees.md` relies on these cases and on nothing else of a broker.
 *
 * @throws Error if `skips` names a case that does not exist
 */
export function brokerContract(options: BrokerContractOptions): BrokerContractCase[] {
  const {
    name: prefix,
    createFixture,
    shared,
    without = [],
    skips = {},
    timeoutMs = 5_000,
    expiryWatchMs = 3_000,
  } = options;
  const onlyShared = {
    ...sharedCases,
    ...sharedControlCases,
    ...sharedPresenceCases,
    ...sharedSessionCases,
    ...sharedTicketCases,
    ...sharedRunCases,
    ...sharedUserStreamCases,
  };
  const optional = {
    publishControl: { ...controlCases, ...sharedControlCases },
    presence: { ...presenceCases, ...sharedPresenceCases },
    sessions: { ...sessionCases, ...sharedSessionCases },
    tickets: { ...ticketCases, ...sharedTicketCases },
    userStreams: { ...userStreamCases, ...sharedUserStreamCases },
    runs: { ...runCases, ...runBoundsCases, ...sharedRunCases },
  };
  const bodies: Record<string, CaseBody> = {
    ...liveCases,
    ...historyCases,
    ...lifecycleCases,
    ...controlCases,
    ...presenceCases,
    ...ticketCases,
    ...sessionCases,
    ...runCases,
    ...runBoundsCases,
    ...userStreamCases,
    ...onlyShared,
  };
  const reasonToSkip = (name: string): string | undefined => {
    const missing = without.find((part) => name in optional[part]);
    if (missing !== undefined) return `the broker has no ${missing}`;
    return (
      skips[name] ?? (!shared && name in onlyShared ? 'the broker does not share its history' : undefined)
    );
  };
  for (const name of Object.keys(skips)) {
    if (!Object.hasOwn(bodies, name)) throw new Error(`The broker contract has no case "${name}" to skip.`);
  }
  return Object.entries(bodies).map(([name, body]) => ({
    name: `${prefix}: ${name}`,
    skipped: reasonToSkip(name),
    run: async () => {
      const harness = new ContractHarness(await createFixture(), { timeoutMs, expiryWatchMs });
      try {
        await body(harness);
      } finally {
        await harness.dispose();
      }
    },
  }));
}
