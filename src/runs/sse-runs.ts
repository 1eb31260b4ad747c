import type { RunRecord } from '../broker/run-store.interface.js';
import { checkCallOptions } from '../protocol/input/option-checks.js';
import { checkTarget, type RoomName, type RoomNameRules } from '../protocol/input/room-name.js';
import { RUN_CHECKS } from './run-checks.js';
import type { RunNode } from './run-node.js';
import type { SseRunOptions, SseRunStatus } from './run-options.interface.js';

/** A run that `sse.runs.start` has started, or found. */
export interface StartedRun {
  readonly name: string;
  /** `false` where a run with this name goes on already, or has ended and is not restarted. */
  readonly isStarted: boolean;
  /** Settles with the state of the run when it has ended; `undefined` where the broker does not have it any more. */
  ended(): Promise<SseRunStatus | undefined>;
}

/**
 * Runs of all nodes: producers with a name, whose events every client gets that follows the name, from the first one on. A run
 * needs no client, and no HTTP.
 */
export class SseRuns {
  readonly #node: RunNode;
  readonly #rules: RoomNameRules;

  /** @internal */
  constructor(node: RunNode, rules: RoomNameRules) {
    this.#node = node;
    this.#rules = rules;
  }

  /** @internal */
  get node(): RunNode {
    return this.#node;
  }

  /**
   * Starts a run, unless one with this name goes on, on any node.
   *
   * ```ts
   * const run = await sse.runs.start('imports/7', (signal) => this.importer.rows(signal), { keepMs: 600_000 });
   * const status = await run.ended();
   * ```
   *
   * @param name a name, as that of a room
   * @param producer the source of the events (an Observable, AsyncIterable, ReadableStream, generator, one value, or a promise
   * of one), or a function that returns it. Values are events as in a handler with `@SseRoom`. Not read where the run is not
   * started
   * @returns settles once the run is started or found; its failure is logged, and ends it as `failed`
   * @throws SseError `invalid-room`, `invalid-arguments`, `too-many-runs`, `unsupported-by-broker`, `broker-closed`,
   * `broker-unavailable`: the promise rejects
   */
  async start(name: RoomName, producer: unknown, options: SseRunOptions = {}): Promise<StartedRun> {
    const run = checkTarget(name, this.#rules);
    checkCallOptions('runs.start', options, RUN_CHECKS);
    const { record, producer: own } = await this.#node.claim(run, options);
    if (own === undefined) {
      const ended = async (): Promise<SseRunStatus | undefined> =>
        statusOf(run, await this.#node.whenEnded(run, record.epoch));
      return { name: run, isStarted: false, ended };
    }
    own.first.catch((error: unknown) => this.#node.reportFailure(error, run));
    own.produce(
      typeof producer === 'function' ? (producer as (signal: AbortSignal) => unknown) : () => producer,
    );
    return { name: run, isStarted: true, ended: async () => statusOf(run, await own.ended) };
  }

  /**
   * Stops a run on whatever node it is: its signal aborts, and it ends as `stopped`.
   *
   * @returns settles with the state of the run when it has ended, at the latest after `leaseMs`; `undefined` where there is none
   * @throws SseError `invalid-room`, `unsupported-by-broker`, `broker-closed`, `broker-unavailable`: the promise rejects
   */
  async stop(name: RoomName): Promise<SseRunStatus | undefined> {
    const run = checkTarget(name, this.#rules);
    const record = await this.#node.storeOf(run).requestStop(run);
    if (record?.state !== 'running') return statusOf(run, record);
    return statusOf(run, await this.#node.whenEnded(run, record.epoch, this.#node.options.leaseMs));
  }

  /**
   * Returns the state of a run.
   *
   * @returns settles with `undefined` where there is no such run, or it has ended longer than `keepMs` ago
   * @throws SseError as `stop`
   */
  async status(name: RoomName): Promise<SseRunStatus | undefined> {
    const run = checkTarget(name, this.#rules);
    return statusOf(run, await this.#node.record(run));
  }
}

function statusOf(name: string, record: RunRecord | undefined): SseRunStatus | undefined {
  if (record === undefined) return undefined;
  const { state, reason, startedAtMs, endedAtMs, entries, firstKept } = record;
  return {
    name,
    state,
    ...(reason !== undefined && { reason }),
    startedAt: new Date(startedAtMs),
    ...(endedAtMs !== undefined && { endedAt: new Date(endedAtMs) }),
    events: entries,
    droppedEvents: firstKept - 1,
  };
}
