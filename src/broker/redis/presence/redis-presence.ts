import { brokerClosedError } from '../../broker-closed-error.js';
import type {
  PresenceCount,
  PresenceStore,
  PresentUser,
  LocalPresence,
} from '../../presence-store.interface.js';
import { BackOff } from '../link/back-off.js';
import { Deferred, withDeadline } from '../link/deferred.js';
import { isUnreachable } from '../link/redis-errors.js';
import type { RedisConnection } from '../driver/redis-driver.interface.js';
import { checkPresenceCommands } from '../self-check/self-check.js';
import { PresenceLease } from './presence-lease.js';
import { PresenceWriteQueue } from './presence-write-queue.js';
import { IDEMPOTENT, type RedisPresenceContext } from './redis-presence-context.js';
import { COUNT_SCRIPT, MEMBERS_SCRIPT, RELEASE_SCRIPT } from './presence-scripts.js';
import { presentUsers } from './present-users.js';
import { cleanUpAfter, MAX_ENTRIES_PER_CALL, writePresence } from './presence-writer.js';

/** Longest wait for the last writes on close, in milliseconds. Other nodes clean up the rest once the lease expires. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * Stores presence in Redis. A single loop performs all writes of this node in sequence: it renews the lease, writes
 * queued entries, and cleans up after nodes with an expired lease.
 */
export class RedisPresence implements PresenceStore {
  #context: RedisPresenceContext | undefined;
  readonly #queue = new PresenceWriteQueue();
  #lease: PresenceLease | undefined;
  #loop: Promise<void> | undefined;
  #connection: RedisConnection | undefined;
  /** Run id of the server of the last connection. */
  #runId = '';
  /** Nodes with an expired lease that this node has claimed for clean-up. */
  readonly #expiredNodes = new Set<string>();
  /** Resolved to end the loop's wait. */
  #wake = new Deferred();
  #lastWriteNumber = 0;
  /** Time for which the node's entries stay valid after `close`, in milliseconds; set by `close`. */
  #graceMs: number | undefined;

  /** Called by the broker's `start`. */
  attach(context: RedisPresenceContext): void {
    this.#context = context;
    this.#lease = new PresenceLease(context, () => this.#queue.requeueAll());
  }

  /** Called by the broker's `close`. */
  detach(): void {
    this.#context = undefined;
    this.#wake.resolve();
  }

  open(): void {
    this.#loop ??= this.#run();
  }

  set(room: string, user: string, local: LocalPresence | undefined): void {
    if (this.#context === undefined) return;
    this.#queue.set(room, user, local);
    this.#wake.resolve();
  }

  async members(room: string): Promise<readonly PresentUser[]> {
    const { commands, redisKeys, malformed } = this.#attached();
    const keys = [redisKeys.presenceMembers(room)];
    const reply = await commands.run(MEMBERS_SCRIPT, keys, [], IDEMPOTENT);
    return presentUsers(reply, () => malformed.ignore('presence entry'));
  }

  async count(room: string): Promise<PresenceCount> {
    const { commands, redisKeys } = this.#attached();
    const reply = await commands.run(COUNT_SCRIPT, [redisKeys.presenceUsers(room)], [], IDEMPOTENT);
    const [users, connections] = reply as readonly [number, number];
    return { users, connections };
  }

  /** Handles the shutdown notice of another node, which has shortened its lease: looks for expired leases now. */
  nodeLeaving(): void {
    this.#lease?.makeDue();
    this.#wake.resolve();
  }

  async close(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    this.#wake.resolve();
    if (this.#loop === undefined || this.#context?.commands.isUp !== true) return;
    await withDeadline(this.#loop, CLOSE_TIMEOUT_MS, () => new Error('Redis was too slow.')).catch(() => {});
  }

  #attached(): RedisPresenceContext {
    if (this.#context === undefined) throw brokerClosedError();
    return this.#context;
  }

  async #run(): Promise<void> {
    const backOff = new BackOff();
    while (this.#context !== undefined) {
      const { commands, warn } = this.#context;
      try {
        const connection = await commands.whenUp();
        if (connection !== this.#connection) {
          await checkPresenceCommands(connection, this.#context.redisKeys);
        }
        const wasInterrupted = this.#connection !== undefined && connection !== this.#connection;
        if (wasInterrupted) {
          this.#lease?.handleInterruption();
          await this.#writeAgain(this.#context);
        }
        this.#connection = connection;
        this.#runId = commands.runId;
        if (await this.#runStep(this.#context)) return;
        backOff.reset();
      } catch (error) {
        if (this.#context === undefined) return;
        if (!isUnreachable(error)) warn(`Redis cannot store presence. ${(error as Error).message}`);
        await backOff.wait();
      }
    }
  }

  /** Performs the next due task, or waits for one. @returns `true` if the node is closing and all is written */
  async #runStep(context: RedisPresenceContext): Promise<boolean> {
    const lease = this.#lease as PresenceLease;
    const isClosing = this.#graceMs !== undefined;
    const isIdle = this.#queue.isEmpty && (isClosing || this.#expiredNodes.size === 0);
    this.#wake = new Deferred();
    if (lease.dueInMs === 0) {
      for (const node of await lease.renew()) this.#expiredNodes.add(node);
    } else if (!isIdle) {
      await this.#writeQueued(context, lease);
      if (!isClosing) await this.#cleanUp(context);
    } else if (isClosing) {
      await this.#release(context, lease.name);
      return true;
    } else {
      const timer = setTimeout(() => this.#wake.resolve(), lease.dueInMs).unref();
      await this.#wake.promise;
      clearTimeout(timer);
    }
    return false;
  }

  /** Compares the entries of this node with a server that has replaced another: it may lack the last joins and leaves. */
  async #writeAgain({ commands, redisKeys }: RedisPresenceContext): Promise<void> {
    if (this.#runId !== '' && this.#runId === commands.runId) return;
    const keys = [redisKeys.presenceNode(this.#lease?.name ?? '')];
    const fields = (await commands.run(MEMBERS_SCRIPT, keys, [], IDEMPOTENT)) as readonly string[];
    // Fields and values alternate. The empty field holds the write number.
    this.#queue.requeueAll(fields.filter((field, index) => index % 2 === 0 && field !== ''));
  }

  async #writeQueued(context: RedisPresenceContext, lease: PresenceLease): Promise<void> {
    const entries = this.#queue.take(MAX_ENTRIES_PER_CALL);
    if (entries.length === 0) return;
    let isHeld = false;
    try {
      isHeld = await writePresence(context, lease.name, ++this.#lastWriteNumber, entries);
    } finally {
      if (isHeld) this.#queue.confirm(entries);
      else this.#queue.putBack(entries);
    }
    if (!isHeld) lease.replace();
  }

  async #cleanUp(context: RedisPresenceContext): Promise<void> {
    const [node] = this.#expiredNodes;
    if (node !== undefined && (await cleanUpAfter(context, node))) this.#expiredNodes.delete(node);
  }

  /** Shortens the lease to the grace time and notifies the other nodes. */
  async #release({ commands, redisKeys }: RedisPresenceContext, node: string): Promise<void> {
    const args = [node, `${this.#graceMs}`, redisKeys.controlChannel];
    await commands.run(RELEASE_SCRIPT, [redisKeys.presenceLeases], args, IDEMPOTENT);
  }
}
