import { randomBytes } from 'node:crypto';
import { RENEW_SCRIPT } from './presence-scripts.js';
import { IDEMPOTENT, type RedisPresenceContext } from './redis-presence-context.js';

/**
 * The presence lease of this node. The node's entries are valid while the lease holds. If the lease has expired (the
 * process was frozen, or Redis lost its data), the node takes a lease under a new name and writes all entries again.
 */
export class PresenceLease {
  readonly #context: RedisPresenceContext;
  readonly #onReplaced: () => void;
  #name = newName();
  #isNew = true;
  #dueMs = 0;
  /** Until this time the node does not clean up after other nodes. */
  #noCleanUpUntilMs = 0;

  /** @param onReplaced called when the lease has a new name */
  constructor(context: RedisPresenceContext, onReplaced: () => void) {
    this.#context = context;
    this.#onReplaced = onReplaced;
  }

  get name(): string {
    return this.#name;
  }

  /** Time until the lease is due for renewal, in milliseconds. */
  get dueInMs(): number {
    return Math.max(0, this.#dueMs - performance.now());
  }

  /** Makes the renewal due now. */
  makeDue(): void {
    this.#dueMs = 0;
  }

  /**
   * Handles an interruption of this node's connection to Redis: renews the lease now, and delays the clean-up after
   * other nodes, whose leases may have expired for the same reason.
   */
  handleInterruption(): void {
    this.makeDue();
    this.#noCleanUpUntilMs = performance.now() + this.#context.times.cleanUpDelayMs;
  }

  /**
   * Renews the lease, or replaces it if it has expired.
   *
   * @returns nodes with an expired lease, claimed for clean-up by this node
   */
  async renew(): Promise<readonly string[]> {
    const { commands, redisKeys, times } = this.#context;
    const startedMs = performance.now();
    const claimMs = startedMs < this.#noCleanUpUntilMs ? 0 : times.claimMs;
    const reply = await commands.run(
      RENEW_SCRIPT,
      [redisKeys.presenceLeases, redisKeys.presenceClaims],
      [this.#name, `${times.leaseMs}`, this.#isNew ? '1' : '', `${claimMs}`],
      IDEMPOTENT,
    );
    const [isHeld, nextExpiryMs, ...expiredNodes] = reply as readonly [number, number, ...string[]];
    if (isHeld === 1) {
      this.#isNew = false;
      // The next check follows the expiry of the next other lease, with jitter so that nodes do not check together.
      const nextCheckMs =
        nextExpiryMs < 0 ? Infinity : nextExpiryMs + 2 + Math.random() * Math.min(50, times.heartbeatMs / 10);
      this.#dueMs = startedMs + Math.min(times.heartbeatMs, nextCheckMs);
    } else this.replace();
    return expiredNodes;
  }

  /** Replaces an expired lease with one under a new name. */
  replace(): void {
    this.#name = newName();
    this.#isNew = true;
    this.handleInterruption();
    this.#onReplaced();
  }
}

/** Returns a unique name without spaces. */
function newName(): string {
  return randomBytes(8).toString('hex');
}
