import { Deferred } from './deferred.js';
import { FENCE_SCRIPT } from '../data/fence-script.js';
import { REGISTER_SCRIPT } from '../nodes/register-script.js';
import { TAKE_SCRIPT } from '../tickets/take-script.js';
import type { LuaScript } from '../data/lua-script.js';
import { PRESENCE_SCRIPTS } from '../presence/presence-scripts.js';
import { RUN_SCRIPTS } from '../runs/run-scripts.js';
import { USER_STREAM_SCRIPTS } from '../user-streams/user-stream-scripts.js';
import { CHANGE_SESSIONS_SCRIPT } from '../sessions/session-script.js';
import { PUBLISH_SCRIPT } from '../data/publish-script.js';
import { RESTORE_SCRIPT, UNKNOWN_KEYS_SCRIPT } from '../data/restore-script.js';
import { READ_NEWEST_SCRIPT, READ_SCRIPT, SYNC_MARKER_SCRIPT } from '../data/read-script.js';
import { isErrorReply, type RedisConnection, type RedisReply } from '../driver/redis-driver.interface.js';

/**
 * Runs scripts on one connection in the order of the calls.
 *
 * Redis may drop loaded scripts (`SCRIPT FLUSH`) and then refuses the calls in flight. To keep their order, refused
 * and new calls wait until no call is in flight; then the scripts are loaded and the calls are sent in their original
 * order. Without this, a call sent after the reload would overtake a refused earlier one, and two publishes could
 * change places.
 */
export class ScriptRunner {
  readonly #connection: RedisConnection;
  #calls = 0;
  #inFlightCount = 0;
  #isLoading = false;
  readonly #waiting: { readonly call: number; readonly turn: Deferred }[] = [];

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Runs the fence script, which must not depend on loaded scripts. */
  async fence(args: readonly string[]): Promise<RedisReply> {
    return this.#connection.send(['EVAL', FENCE_SCRIPT.source, ...args]);
  }

  /** Loads all scripts except the fence script. */
  async load(): Promise<void> {
    for (const { source } of [
      PUBLISH_SCRIPT,
      READ_SCRIPT,
      READ_NEWEST_SCRIPT,
      SYNC_MARKER_SCRIPT,
      UNKNOWN_KEYS_SCRIPT,
      RESTORE_SCRIPT,
      REGISTER_SCRIPT,
      TAKE_SCRIPT,
      ...PRESENCE_SCRIPTS,
      CHANGE_SESSIONS_SCRIPT,
      ...RUN_SCRIPTS,
      ...USER_STREAM_SCRIPTS,
    ]) {
      await this.#connection.send(['SCRIPT', 'LOAD', source]);
    }
  }

  /** @param args the number of keys, followed by the keys and the arguments */
  async run(script: LuaScript, args: readonly string[]): Promise<RedisReply> {
    const call = ++this.#calls;
    if (this.#isLoading) await this.#waitForTurn(call);
    for (;;) {
      this.#inFlightCount++;
      try {
        return await this.#connection.send(['EVALSHA', script.sha, ...args]);
      } catch (error) {
        if (!isErrorReply(error) || !(error as Error).message.startsWith('NOSCRIPT')) throw error;
      } finally {
        this.#inFlightCount--;
        if (this.#isLoading && this.#inFlightCount === 0) void this.#reload();
      }
      const turn = this.#waitForTurn(call);
      if (!this.#isLoading) {
        this.#isLoading = true;
        if (this.#inFlightCount === 0) void this.#reload();
      }
      await turn;
    }
  }

  #waitForTurn(call: number): Promise<void> {
    const turn = new Deferred();
    this.#waiting.push({ call, turn });
    return turn.promise;
  }

  async #reload(): Promise<void> {
    try {
      await this.load();
    } catch {
      // A lost connection makes the waiting calls fail themselves.
    }
    this.#isLoading = false;
    const waiting = this.#waiting.splice(0).toSorted((a, b) => a.call - b.call);
    for (const { turn } of waiting) turn.resolve();
  }
}
