import { randomBytes } from 'node:crypto';
import type {
  UserStreamOutcome,
  UserStreamRule,
  UserStreamStore,
} from '../../user-stream-store.interface.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { RedisReply } from '../driver/redis-driver.interface.js';
import type { CallOptions, CommandLink } from '../link/command-link.js';
import { withDeadline } from '../link/deferred.js';
import { unavailable } from '../link/redis-errors.js';
import type { PresenceTimes } from '../presence/redis-presence-context.js';
import { ADD_SCRIPT, REMOVE_SCRIPT, RENEW_SCRIPT, STORE_SCRIPT } from './user-stream-scripts.js';

/**
 * Part of `publishTimeoutMs` for which a stream that is about to open waits for the answer, and `close` for its last call: 1 s
 * by default.
 */
const ANSWER_PART = 0.2;
/** Time for which the set of a user is kept after the last change of it, in milliseconds. */
const KEEP_MS = 86_400_000;
/** Streams in one call, which blocks Redis while it runs. */
const STREAMS_PER_CALL = 200;

const ONCE: CallOptions = { repeatable: false, refusable: true };
const REPEATABLE: CallOptions = { repeatable: true, refusable: true };

export interface RedisUserStreamsContext {
  readonly commands: Pick<CommandLink, 'run' | 'send' | 'isUp' | 'runId'>;
  readonly redisKeys: RedisKeys;
}

/** A stream of this node that counts, or will as soon as Redis can be reached. */
interface OwnStream {
  readonly user: string;
  /** Its start in microseconds, on the clock of Redis where that has answered. */
  sinceUs: number;
  /** True while its call is in flight, which may refuse it. */
  isAsked: boolean;
}

/**
 * Counts the streams of users in Redis: a sorted set for each user, valid while the lease of each stream's node holds. Where
 * Redis may have other streams of this node than are open, the node takes a lease under a new name and adds all of them again.
 */
export class RedisUserStreams implements UserStreamStore {
  readonly #running: () => RedisUserStreamsContext;
  readonly #times: PresenceTimes;
  readonly #answerTimeoutMs: number;
  readonly #streams = new Map<string, OwnStream>();
  #removed: [client: string, user: string][] = [];
  #leaseName = newName();
  #isNewLease = true;
  /** True where a call has failed, so that Redis may lack a stream, or have one that has ended. */
  #isUncertain = false;
  #runId = '';
  #storedMs = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #isRenewing = false;

  /** @param running throws if the broker is not running */
  constructor(running: () => RedisUserStreamsContext, times: PresenceTimes, publishTimeoutMs: number) {
    this.#running = running;
    this.#times = times;
    this.#answerTimeoutMs = publishTimeoutMs * ANSWER_PART;
  }

  async add(user: string, client: string, rule: UserStreamRule): Promise<UserStreamOutcome> {
    const context = this.#running();
    const stream = this.#streams.get(client) ?? { user, sinceUs: Date.now() * 1_000, isAsked: true };
    this.#streams.set(client, stream);
    this.#timer ??= setInterval(() => void this.#renew(), this.#times.heartbeatMs).unref();
    const leaseName = this.#leaseName;
    stream.isAsked = true;
    const asked = this.#askToAdd(context, user, client, rule);
    const [isAdded, isHeld, since, ...tooMany] = await asked.finally(() => (stream.isAsked = false));
    if (isAdded !== 1) {
      this.#streams.delete(client);
      return { isAdded: false, tooMany: [] };
    }
    if (leaseName === this.#leaseName) this.#isNewLease = false;
    if (isHeld !== 1 || leaseName !== this.#leaseName) {
      this.#isUncertain = true;
      void this.#renew();
    }
    stream.sinceUs = Number(since);
    if (this.#streams.get(client) !== stream) this.#removeSoon(client, user);
    return { isAdded: true, tooMany: tooMany.map(String) };
  }

  remove(client: string): void {
    const stream = this.#streams.get(client);
    if (stream === undefined) return;
    this.#streams.delete(client);
    this.#removeSoon(client, stream.user);
  }

  /** Ends the lease, so that the streams of this node count no more. Called by the broker's `close`. */
  async close({ commands, redisKeys }: RedisUserStreamsContext): Promise<void> {
    this.#streams.clear();
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (!commands.isUp) return;
    const ended = commands.send(['ZREM', redisKeys.userStreamLeases, this.#leaseName], REPEATABLE);
    await this.#soon(ended).catch(() => {});
  }

  async #askToAdd(
    { commands, redisKeys }: RedisUserStreamsContext,
    user: string,
    client: string,
    { max, whenFull }: UserStreamRule,
  ): Promise<readonly RedisReply[]> {
    try {
      if (!commands.isUp) throw unavailable('Redis cannot be reached.', undefined);
      const keys = [redisKeys.userStreamLeases, redisKeys.userStreams(user)];
      const isNew = this.#isNewLease ? '1' : '';
      const args = [...this.#leaseArgs(), client, `${max}`, whenFull, `${KEEP_MS}`, isNew];
      const reply = commands.run(ADD_SCRIPT, keys, args, ONCE);
      return (await this.#soon(reply)) as readonly RedisReply[];
    } catch (error) {
      this.#isUncertain = true;
      throw error;
    }
  }

  #soon(reply: Promise<RedisReply>): Promise<RedisReply> {
    const ms = this.#answerTimeoutMs;
    return withDeadline(reply, ms, () => unavailable(`Redis did not answer within ${ms} ms.`, undefined));
  }

  #leaseArgs(): [name: string, ms: string] {
    return [this.#leaseName, `${this.#times.leaseMs}`];
  }

  /** Removes a stream with the others of this turn of the event loop, after the call that has added it. */
  #removeSoon(client: string, user: string): void {
    this.#removed.push([client, user]);
    if (this.#removed.length === 1) setImmediate(() => void this.#sendRemovals());
  }

  async #sendRemovals(): Promise<void> {
    const removed = this.#removed;
    this.#removed = [];
    try {
      const { commands, redisKeys } = this.#running();
      if (!commands.isUp) throw unavailable('Redis cannot be reached.', undefined);
      const calls = parts(removed).map((part) => {
        const keys = part.map(([, user]) => redisKeys.userStreams(user));
        const args = [...this.#leaseArgs(), ...part.map(([client]) => client)];
        return commands.run(REMOVE_SCRIPT, [redisKeys.userStreamLeases, ...keys], args, REPEATABLE);
      });
      await Promise.all(calls);
    } catch {
      this.#isUncertain = true;
    }
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      const context = this.#running();
      if (!context.commands.isUp) return;
      const isOtherServer = this.#runId !== '' && this.#runId !== context.commands.runId;
      const isOld = performance.now() - this.#storedMs > KEEP_MS / 2;
      this.#runId = context.commands.runId;
      const mayHaveOthers = this.#isUncertain || isOtherServer || isOld;
      if (mayHaveOthers || !(this.#isNewLease || (await this.#takeLease(context, ''))))
        await this.#storeAgain(context);
      if (this.#streams.size === 0 && !this.#isUncertain) this.#stop();
    } catch {
      this.#isUncertain = true;
    } finally {
      this.#isRenewing = false;
    }
  }

  /** A node without streams lets its lease expire. */
  #stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#leaseName = newName();
    this.#isNewLease = true;
  }

  /** @param former the name whose streams count no more; empty to renew the lease */
  async #takeLease({ commands, redisKeys }: RedisUserStreamsContext, former: string): Promise<boolean> {
    const args = [...this.#leaseArgs(), former];
    return (await commands.run(RENEW_SCRIPT, [redisKeys.userStreamLeases], args, REPEATABLE)) === 1;
  }

  async #storeAgain(context: RedisUserStreamsContext): Promise<void> {
    const { commands, redisKeys } = context;
    const former = this.#leaseName;
    this.#isUncertain = false;
    this.#leaseName = newName();
    this.#isNewLease = true;
    this.#storedMs = performance.now();
    await this.#takeLease(context, former);
    this.#isNewLease = false;
    for (const part of parts([...this.#streams])) {
      // Without those that have ended meanwhile, whose removal is sent already, and those that may be refused.
      const open = part.filter(([client, { isAsked }]) => this.#streams.has(client) && !isAsked);
      if (open.length === 0) continue;
      const keys = open.map(([, { user }]) => redisKeys.userStreams(user));
      const args = open.flatMap(([client, { sinceUs }]) => [client, `${sinceUs}`]);
      await commands.run(
        STORE_SCRIPT,
        [redisKeys.userStreamLeases, ...keys],
        [...this.#leaseArgs(), `${KEEP_MS}`, ...args],
        REPEATABLE,
      );
    }
  }
}

function newName(): string {
  return randomBytes(6).toString('hex');
}

function parts<T>(all: readonly T[]): T[][] {
  const found: T[][] = [];
  for (let first = 0; first < all.length; first += STREAMS_PER_CALL)
    found.push(all.slice(first, first + STREAMS_PER_CALL));
  return found;
}
