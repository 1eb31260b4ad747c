import type { TicketStore } from '../../ticket-store.interface.js';
import type { RedisKeys } from '../data/redis-keys.js';
import type { CallOptions, CommandLink } from '../link/command-link.js';
import { TAKE_SCRIPT } from './take-script.js';

const REPEATABLE: CallOptions = { repeatable: true, refusable: true };
/** A repeated call would find nothing where the first one has removed the text. */
const ONCE: CallOptions = { repeatable: false, refusable: true };

export interface RedisTicketContext {
  readonly commands: CommandLink;
  readonly redisKeys: RedisKeys;
}

/** Stores tickets in Redis, each under a key that expires. */
export class RedisTickets implements TicketStore {
  readonly #running: () => RedisTicketContext;

  /** @param running throws if the broker is not running */
  constructor(running: () => RedisTicketContext) {
    this.#running = running;
  }

  async put(key: string, text: string, ttlMs: number): Promise<void> {
    const { commands, redisKeys } = this.#running();
    await commands.send(['SET', redisKeys.ticket(key), text, 'PX', `${ttlMs}`], REPEATABLE);
  }

  async take(key: string): Promise<string | undefined> {
    const { commands, redisKeys } = this.#running();
    return textOf(await commands.run(TAKE_SCRIPT, [redisKeys.ticket(key)], [], ONCE));
  }

  async read(key: string): Promise<string | undefined> {
    const { commands, redisKeys } = this.#running();
    return textOf(await commands.send(['GET', redisKeys.ticket(key)], REPEATABLE));
  }
}

function textOf(reply: unknown): string | undefined {
  return typeof reply === 'string' ? reply : undefined;
}
