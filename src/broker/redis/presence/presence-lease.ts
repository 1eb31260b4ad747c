import { randomBytes } from 'node:crypto';
import { RENEW_SCRIPT } from './presence-scripts.js';
import { IDEMPOTENT, type RedisPresenceContext } from './redis-presence-context.js';

/**
 * This node's lease: while it holds, what the node has written counts. A node that was frozen, or whose Redis lost its
 * data, finds that it holds none, takes a new name and writes everything again.
 */
export class PresenceLease {
  readonly #parts: RedisPresenceContext;
  readonly #onLost: () => void;
  #name = newName();
  #isNew = true;
  #dueMs = 0;
  /** Before that, nobody is cleared up after. */
  #judgesFromMs = 0;

  constructor(parts: RedisPresenceContext, onLost: () => void) {
    this.#parts = parts;
    this.#onLost = onLost;
  }

  get name(): string {
    return this.#name;
  }

  /** In how many milliseconds it has to be renewed. */
  get dueInMs(): number {
    return Math.max(0, this.#dueMs - performance.now());
  }

  /** It is to be renewed now: another node is leaving, or has left. */
  hurry(): void {
    this.#dueMs = 0;
  }

  /** Redis was away, or this node was: others may find their leases run out, and are about to come back as well. */
  wasAway(): void {
    this.hurry();
    this.#judgesFromMs = performance.now() + this.#parts.times.patienceMs;
  }

  /** @returns nodes whose lease has run out, and that this node is to clear up after */
  async renew(): Promise<readonly string[]> {
    const { commands, names, times } = this.#parts;
    const askedMs = performance.now();
    const claimMs = askedMs < this.#judgesFromMs ? 0 : times.claimMs;
    const reply = await commands.run(
      RENEW_SCRIPT,
      [names.presenceLeases, names.presenceClaims],
      [this.#name, `${times.leaseMs}`, this.#isNew ? '1' : '', `${claimMs}`],
      IDEMPOTENT,
    );
    const [held, nextMs, ...lapsed] = reply as readonly [number, number, ...string[]];
    if (held === 1) {
      this.#isNew = false;
      // Not before the other one has run out, and not all nodes at once.
      const othersMs =
        nextMs < 0 ? Infinity : nextMs + 2 + Math.random() * Math.min(50, times.heartbeatMs / 10);
      this.#dueMs = askedMs + Math.min(times.heartbeatMs, othersMs);
    } else this.lose();
    return lapsed;
  }

  /** Begins anew, under another name. */
  lose(): void {
    this.#name = newName();
    this.#isNew = true;
    this.wasAway();
    this.#onLost();
  }
}

/** A name without spaces, never used again. */
function newName(): string {
  return randomBytes(8).toString('hex');
}
