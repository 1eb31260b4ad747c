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
import { PresenceLease } from './presence-lease.js';
import { PresenceLedger } from './presence-ledger.js';
import { IDEMPOTENT, type RedisPresenceContext } from './redis-presence-context.js';
import { COUNT_SCRIPT, MEMBERS_SCRIPT, RELEASE_SCRIPT } from './presence-scripts.js';
import { presentUsers } from './present-users.js';
import { clearUp, ENTRIES_A_CALL, write } from './presence-writer.js';

/** How long the end of this node's part may take: what is not written then, others clear up. */
const FAREWELL_MS = 1_000;

/**
 * Who is where, in Redis. One loop does everything that this node writes, one thing after the other: it renews the lease,
 * writes what is so here, and clears up after nodes whose lease has run out.
 */
export class RedisPresence implements PresenceStore {
  #parts: RedisPresenceContext | undefined;
  readonly #ledger = new PresenceLedger();
  #lease: PresenceLease | undefined;
  #loop: Promise<void> | undefined;
  #connection: RedisConnection | undefined;
  readonly #gone = new Set<string>();
  #wake = new Deferred();
  #writes = 0;
  /** How long what is here stays, once this node's part is over. */
  #graceMs: number | undefined;

  /** From the broker's start to its close. */
  begin(parts: RedisPresenceContext): void {
    this.#parts = parts;
    this.#lease = new PresenceLease(parts, () => this.#ledger.beginAnew());
  }

  end(): void {
    this.#parts = undefined;
    this.#wake.resolve();
  }

  open(): void {
    this.#loop ??= this.#run();
  }

  set(room: string, user: string, here: LocalPresence | undefined): void {
    if (this.#parts === undefined) return;
    this.#ledger.set(room, user, here);
    this.#wake.resolve();
  }

  async members(room: string): Promise<readonly PresentUser[]> {
    const { commands, names } = this.#open();
    return presentUsers(await commands.run(MEMBERS_SCRIPT, [names.presenceMembers(room)], [], IDEMPOTENT));
  }

  async count(room: string): Promise<PresenceCount> {
    const { commands, names } = this.#open();
    const reply = await commands.run(COUNT_SCRIPT, [names.presenceUsers(room)], [], IDEMPOTENT);
    const [users, connections] = reply as readonly [number, number];
    return { users, connections };
  }

  /** A node says that it leaves: its lease ends earlier than others expect. */
  nodeLeaving(): void {
    this.#lease?.hurry();
    this.#wake.resolve();
  }

  async close(graceMs: number): Promise<void> {
    this.#graceMs = graceMs;
    this.#wake.resolve();
    if (this.#loop === undefined || this.#parts?.commands.isUp !== true) return;
    await withDeadline(this.#loop, FAREWELL_MS, () => new Error('Redis was too slow.')).catch(() => {});
  }

  #open(): RedisPresenceContext {
    if (this.#parts === undefined) throw brokerClosedError();
    return this.#parts;
  }

  async #run(): Promise<void> {
    const backOff = new BackOff();
    while (this.#parts !== undefined) {
      const { commands, warn } = this.#parts;
      try {
        const connection = await commands.whenUp();
        if (this.#connection !== undefined && connection !== this.#connection) this.#lease?.wasAway();
        this.#connection = connection;
        if (await this.#step(this.#parts)) return;
        backOff.reset();
      } catch (error) {
        if (this.#parts === undefined) return;
        if (!isUnreachable(error)) warn(`Redis does not keep who is present. ${(error as Error).message}`);
        await backOff.pass();
      }
    }
  }

  /** @returns whether this node's part is over */
  async #step(parts: RedisPresenceContext): Promise<boolean> {
    const lease = this.#lease as PresenceLease;
    const isClosing = this.#graceMs !== undefined;
    this.#wake = new Deferred();
    if (lease.dueInMs === 0) {
      for (const node of await lease.renew()) this.#gone.add(node);
    } else if (this.#ledger.isWritten && (isClosing || this.#gone.size === 0)) {
      if (isClosing) {
        await this.#release(parts, lease.name);
        return true;
      }
      const timer = setTimeout(() => this.#wake.resolve(), lease.dueInMs).unref();
      await this.#wake.promise;
      clearTimeout(timer);
    } else {
      await this.#write(parts, lease);
      if (!isClosing) await this.#clearUp(parts);
    }
    return false;
  }

  async #write(parts: RedisPresenceContext, lease: PresenceLease): Promise<void> {
    const entries = this.#ledger.take(ENTRIES_A_CALL);
    if (entries.length === 0) return;
    let isHeld = false;
    try {
      isHeld = await write(parts, lease.name, ++this.#writes, entries);
    } finally {
      if (isHeld) this.#ledger.wrote(entries);
      else this.#ledger.putBack(entries);
    }
    if (!isHeld) lease.lose();
  }

  async #clearUp(parts: RedisPresenceContext): Promise<void> {
    const [node] = this.#gone;
    if (node !== undefined && (await clearUp(parts, node))) this.#gone.delete(node);
  }

  async #release({ commands, names }: RedisPresenceContext, node: string): Promise<void> {
    const args = [node, `${this.#graceMs}`, names.controlChannel];
    await commands.run(RELEASE_SCRIPT, [names.presenceLeases], args, IDEMPOTENT);
  }
}
