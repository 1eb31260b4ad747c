import { Deferred } from './deferred.js';
import { FENCE_SCRIPT } from '../data/fence-script.js';
import type { LuaScript } from '../data/lua-script.js';
import { PRESENCE_SCRIPTS } from '../presence/presence-scripts.js';
import { PUBLISH_SCRIPT } from '../data/publish-script.js';
import { SYNC_MARKER_SCRIPT, READ_SCRIPT } from '../data/read-script.js';
import { isErrorReply, type RedisConnection, type RedisReply } from '../driver/redis-driver.interface.js';

/**
 * Runs scripts on one connection, in the order of the calls.
 *
 * Redis may forget scripts (`SCRIPT FLUSH`). Calls on their way are refused then, while later ones would be executed
 * as soon as the script is loaded again: so all calls wait until none is on its way, the scripts are loaded, and the
 * calls are sent in their old order. Otherwise events that nobody awaited would change places.
 */
export class ScriptRunner {
  readonly #connection: RedisConnection;
  #calls = 0;
  #onTheirWay = 0;
  #isLoading = false;
  readonly #waiting: { readonly call: number; readonly turn: Deferred }[] = [];

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  async fence(args: readonly string[]): Promise<RedisReply> {
    return this.#connection.send(['EVAL', FENCE_SCRIPT.source, ...args]);
  }

  async load(): Promise<void> {
    for (const { source } of [PUBLISH_SCRIPT, READ_SCRIPT, SYNC_MARKER_SCRIPT, ...PRESENCE_SCRIPTS]) {
      await this.#connection.send(['SCRIPT', 'LOAD', source]);
    }
  }

  /** @param args the number of keys, the keys and the arguments */
  async run(script: LuaScript, args: readonly string[]): Promise<RedisReply> {
    const call = ++this.#calls;
    if (this.#isLoading) await this.#turnOf(call);
    for (;;) {
      this.#onTheirWay++;
      try {
        return await this.#connection.send(['EVALSHA', script.sha, ...args]);
      } catch (error) {
        if (!isErrorReply(error) || !(error as Error).message.startsWith('NOSCRIPT')) throw error;
      } finally {
        this.#onTheirWay--;
        if (this.#isLoading && this.#onTheirWay === 0) void this.#loadAgain();
      }
      const turn = this.#turnOf(call);
      if (!this.#isLoading) {
        this.#isLoading = true;
        if (this.#onTheirWay === 0) void this.#loadAgain();
      }
      await turn;
    }
  }

  #turnOf(call: number): Promise<void> {
    const turn = new Deferred();
    this.#waiting.push({ call, turn });
    return turn.promise;
  }

  async #loadAgain(): Promise<void> {
    try {
      await this.load();
    } catch {
      // Where the connection is lost, the calls will find out themselves.
    }
    this.#isLoading = false;
    const inOrder = this.#waiting.splice(0).toSorted((a, b) => a.call - b.call);
    for (const { turn } of inOrder) turn.resolve();
  }
}
