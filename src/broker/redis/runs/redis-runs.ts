import type {
  RunLease,
  RunListener,
  RunPage,
  RunProgress,
  RunRead,
  RunRecord,
  RunStart,
  RunState,
  RunStore,
} from '../../run-store.interface.js';
import { brokerClosedError } from '../../broker-closed-error.js';
import type { LuaScript } from '../data/lua-script.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import { PageSize } from '../history/page-size.js';
import { ReadQueue } from '../history/read-queue.js';
import type { CallOptions, CommandLink } from '../link/command-link.js';
import { isTimeout, unavailable } from '../link/redis-errors.js';
import { EqualReads } from './equal-reads.js';
import type { RunChannels } from './run-channels.js';
import { parseOptionalRecord, parsePage, parseProgress, parseRecord } from './run-replies.js';
import {
  APPEND_RUN_SCRIPT,
  END_RUN_SCRIPT,
  READ_RUN_SCRIPT,
  START_RUN_SCRIPT,
  STOP_RUN_SCRIPT,
} from './run-scripts.js';

/** Most bytes and entries of one call, which blocks Redis while it runs. A larger entry is sent alone. */
const MAX_BYTES_PER_CALL = 262_144;
const MAX_ENTRIES_PER_CALL = 500;
/** Reads in flight. The others wait, so that the replies in memory are bounded. */
const MAX_READS = 8;

/** Each call has the effect of one where it is repeated. */
const REPEATABLE: CallOptions = { repeatable: true, refusable: true };

export interface RedisRunsContext {
  readonly commands: Pick<CommandLink, 'run'>;
  /** The connection for large replies. */
  readonly readLink: Pick<CommandLink, 'run'>;
  readonly redisKeys: RedisKeys;
  readonly runChannels: RunChannels;
}

/** Stores runs in Redis: a hash with the state and a stream of the entries for each. */
export class RedisRuns implements RunStore {
  readonly #node: () => RedisRunsContext | undefined;
  readonly #timeoutMs: number;
  /** Entries of the runs of this node that Redis has accepted, by epoch and name. */
  readonly #accepted = new Map<string, number>();
  readonly #queue = new ReadQueue(MAX_READS);
  readonly #reads = new EqualReads<RunPage | undefined>();
  readonly #pageSize = new PageSize();

  /**
   * @param node returns `undefined` if the broker is not running
   * @param timeoutMs longest time for which a read waits for its turn, in milliseconds
   */
  constructor(node: () => RedisRunsContext | undefined, timeoutMs: number) {
    this.#node = node;
    this.#timeoutMs = timeoutMs;
  }

  async start(start: RunStart): Promise<RunRecord> {
    const { run, epoch, leaseMs, keepMs, maxEntries, maxBytes, restart } = start;
    const bounds = [leaseMs, keepMs, maxEntries, maxBytes].map((number) => `${number}`);
    const record = parseRecord(
      await this.#call(START_RUN_SCRIPT, run, epoch, [...bounds, restart ? '1' : '0']),
    );
    if (record.epoch === epoch && record.state === 'running') this.#accepted.set(epoch + run, record.entries);
    return record;
  }

  async append(lease: RunLease, after: number, entries: readonly string[]): Promise<RunProgress> {
    let first = after;
    for (;;) {
      const part = partOf(entries, first - after);
      const progress = await this.#append(lease, first, part);
      first += part.length;
      if (!progress.accepted || first >= after + entries.length) return progress;
    }
  }

  renew(lease: RunLease): Promise<RunProgress> {
    return this.#append(lease, this.#accepted.get(lease.epoch + lease.run) ?? 0, []);
  }

  async end(
    { run, epoch }: RunLease,
    state: Exclude<RunState, 'running'>,
    reason = '',
  ): Promise<RunRecord | undefined> {
    const known = `${this.#accepted.get(epoch + run) ?? 0}`;
    const record = parseOptionalRecord(await this.#call(END_RUN_SCRIPT, run, epoch, [known, state, reason]));
    this.#accepted.delete(epoch + run);
    return record;
  }

  async requestStop(run: string): Promise<RunRecord | undefined> {
    return parseOptionalRecord(await this.#call(STOP_RUN_SCRIPT, run, '', []));
  }

  async read(read: RunRead): Promise<RunPage | undefined> {
    const { runChannels } = this.#running();
    const { run, after, epoch = '', follows, maxBytes } = read;
    const key = JSON.stringify([run, after, epoch, follows, maxBytes]);
    return runChannels.readReceived(read) ?? this.#reads.run(key, (onSend) => this.#read(read, onSend));
  }

  onChange(run: string, listener: RunListener): () => void {
    return this.#node()?.runChannels.listen(run, listener) ?? (() => {});
  }

  async #append({ run, epoch }: RunLease, after: number, entries: readonly string[]): Promise<RunProgress> {
    const progress = parseProgress(await this.#call(APPEND_RUN_SCRIPT, run, epoch, [`${after}`, ...entries]));
    if (progress.accepted) this.#accepted.set(epoch + run, progress.entries);
    else this.#accepted.delete(epoch + run);
    return progress;
  }

  /** Reads one page over the connection for large replies, a few at a time. A page that times out makes the next ones smaller. */
  async #read(
    { run, after, epoch = '', follows, maxBytes }: RunRead,
    onSend: () => void,
  ): Promise<RunPage | undefined> {
    let bytes = 0;
    const tooLate = AbortSignal.timeout(this.#timeoutMs);
    try {
      const reply = await this.#queue.run(
        () => {
          onSend();
          const { readLink, redisKeys } = this.#running();
          bytes = this.#pageSize.limit(maxBytes);
          const args = [redisKeys.runChannel(run), epoch, `${after}`, `${bytes}`, follows ? '1' : '0'];
          return readLink.run(READ_RUN_SCRIPT, keysOf(redisKeys, run), args, REPEATABLE);
        },
        { signal: tooLate },
      );
      this.#pageSize.arrived();
      return parsePage(reply);
    } catch (error) {
      if (isTimeout(error)) this.#pageSize.timedOut(bytes);
      if (error !== tooLate.reason) throw error;
      throw unavailable(`Redis did not answer reads of runs within ${this.#timeoutMs} ms.`, undefined);
    }
  }

  #running(): RedisRunsContext {
    const node = this.#node();
    if (node === undefined) throw brokerClosedError();
    return node;
  }

  #call(script: LuaScript, run: string, epoch: string, args: readonly string[]): Promise<RedisReply> {
    const { commands, redisKeys } = this.#running();
    return commands.run(
      script,
      keysOf(redisKeys, run),
      [redisKeys.runChannel(run), epoch, ...args],
      REPEATABLE,
    );
  }
}

function keysOf(redisKeys: RedisKeys, run: string): string[] {
  return [redisKeys.run(run), redisKeys.runEntries(run)];
}

/** The entries from an index that one call may carry: at least one where there is one. */
function partOf(entries: readonly string[], from: number): readonly string[] {
  let bytes = 0;
  let to = from;
  while (to < entries.length && to - from < MAX_ENTRIES_PER_CALL) {
    bytes += Buffer.byteLength(entries[to] as string);
    if (bytes > MAX_BYTES_PER_CALL && to > from) break;
    to++;
  }
  return entries.slice(from, to);
}
