import type { Acknowledge, MissingAcknowledgement } from '../../../protocol/input/acknowledge.js';
import { PUBLISH_SCRIPT } from '../data/publish-script.js';
import type { RedisConnection, RedisReply } from '../driver/redis-driver.interface.js';
import type { CallOptions, CommandLink } from './command-link.js';
import { Deferred, withDeadline } from './deferred.js';
import { NoReplyError } from './redis-errors.js';

/** Time beyond the timeout of `WAIT` after which a server without a reply counts as failed, in milliseconds. */
const REPLY_GRACE_MS = 1_000;

/** Publishes that wait for the same number of replicas with the same timeout. */
interface Waiting extends Acknowledge {
  readonly confirmed: Deferred<number>;
}

/**
 * The `WAIT` commands of one connection. Redis answers nothing else on a connection that waits, so one `WAIT` is sent at a
 * time, and publishes that are answered meanwhile share the next one.
 */
class ReplicaWaits {
  readonly #connection: RedisConnection;
  readonly #queue: Waiting[] = [];
  #isWaiting = false;

  constructor(connection: RedisConnection) {
    this.#connection = connection;
  }

  /** Waits until replicas have everything that was written on the connection. @returns the number of these replicas */
  async wait({ replicas, timeoutMs }: Acknowledge): Promise<number> {
    let waiting = this.#queue.find((each) => each.replicas === replicas && each.timeoutMs === timeoutMs);
    if (waiting === undefined) {
      waiting = { replicas, timeoutMs, confirmed: new Deferred() };
      this.#queue.push(waiting);
    }
    if (!this.#isWaiting) void this.#run();
    return waiting.confirmed.promise;
  }

  async #run(): Promise<void> {
    this.#isWaiting = true;
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      const { replicas, timeoutMs, confirmed } = next;
      try {
        const reply = this.#connection.send(['WAIT', `${replicas}`, `${timeoutMs}`]);
        confirmed.resolve(
          Number(await withDeadline(reply, timeoutMs + REPLY_GRACE_MS, () => new NoReplyError())),
        );
      } catch (error) {
        confirmed.reject(error as Error);
      }
    }
    this.#isWaiting = false;
  }
}

/**
 * Publishes events and waits until replicas have them. Has a connection of its own, opened by the first such event: other
 * commands do not wait for replicas.
 */
export class ReplicatedPublishes {
  readonly #link: CommandLink;
  readonly #waits = new WeakMap<RedisConnection, ReplicaWaits>();

  constructor(link: CommandLink) {
    this.#link = link;
  }

  /**
   * Runs the publish script, then `WAIT` on the same connection. On another one it could ask a server that took over and
   * lacks the event.
   *
   * @throws SseError `broker-unavailable` where the event may not be published
   */
  async publish(
    { keys, args }: { readonly keys: readonly string[]; readonly args: readonly string[] },
    callOptions: CallOptions,
    acknowledge: Acknowledge,
  ): Promise<{ readonly reply: RedisReply; readonly missing: MissingAcknowledgement | undefined }> {
    let connection: RedisConnection | undefined;
    const reply = await this.#link.run(
      PUBLISH_SCRIPT,
      keys,
      args,
      callOptions,
      (used) => (connection = used),
    );
    const { replicas } = acknowledge;
    try {
      const [, , refusal] = reply as [string, number, string | undefined];
      if (typeof refusal === 'string') throw new Error(refusal);
      const confirmedBy = await this.#waitsOf(connection as RedisConnection).wait(acknowledge);
      return { reply, missing: confirmedBy >= replicas ? undefined : { replicas, confirmedBy } };
    } catch (error) {
      return { reply, missing: { replicas, confirmedBy: 0, cause: error as Error } };
    }
  }

  #waitsOf(connection: RedisConnection): ReplicaWaits {
    let waits = this.#waits.get(connection);
    if (waits === undefined) this.#waits.set(connection, (waits = new ReplicaWaits(connection)));
    return waits;
  }
}
