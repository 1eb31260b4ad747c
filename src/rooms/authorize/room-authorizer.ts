import type { CallbackFailures } from '../../callbacks/callback-failures.js';
import type { SseClient } from '../../connection/sse-client.js';
import { untilAborted, withinDeadline } from '../../protocol/promises/deadline.js';
import { describeValue } from '../../protocol/error-text.js';
import { SseError } from '../../protocol/sse-error.js';
import { isThenable } from '../../protocol/thenable.js';
import type { RoomPolicy } from '../room-policy.js';
import type { AuthorizeRoom } from './authorize-room.interface.js';

/** Longest wait for the answers to the questions of one client, in milliseconds. */
const ANSWER_TIMEOUT_MS = 30_000;

/** A question to the application that it has not answered yet. */
interface PendingQuestion {
  /** True if a permission was withdrawn since the question was asked: its answer may be an old one. */
  isStale: boolean;
}

/**
 * Asks the application, by the option `authorizeRoom`, whether clients may be in rooms that they join at run time.
 *
 * An answer may take long. A permission that is withdrawn meanwhile, by a leave of the client or by `reauthorize`, makes the
 * answer stale: the question is asked again.
 */
export class RoomAuthorizer {
  readonly #policy: Pick<RoomPolicy, 'authorizerOf' | 'hasAuthorizer'>;
  readonly #callbacks: Pick<CallbackFailures, 'report'>;
  readonly #timeoutMs: number;
  readonly #pending = new Map<SseClient, Set<PendingQuestion>>();

  constructor(
    policy: Pick<RoomPolicy, 'authorizerOf' | 'hasAuthorizer'>,
    callbacks: Pick<CallbackFailures, 'report'>,
    timeoutMs = ANSWER_TIMEOUT_MS,
  ) {
    this.#policy = policy;
    this.#callbacks = callbacks;
    this.#timeoutMs = timeoutMs;
  }

  /** True if the application decides about at least some rooms. */
  get isUsed(): boolean {
    return this.#policy.hasAuthorizer;
  }

  /**
   * Refuses a room that a client may not join.
   *
   * @returns `undefined` where the application has agreed at once, so that the join is synchronous as without the option
   * @throws SseError `room-forbidden`, also as a rejection
   */
  check(client: SseClient, room: string): Promise<void> | undefined {
    const authorize = this.#policy.authorizerOf(room);
    if (authorize === undefined) return undefined;
    let answer: boolean | Promise<boolean>;
    try {
      answer = this.#ask(authorize, client, room);
    } catch (cause) {
      return refuse(room, cause);
    }
    if (typeof answer === 'boolean') return answer ? undefined : refuse(room);
    return this.allowed(client, [room], answer).then(
      ([allowed]) => (allowed === undefined ? refuse(room) : undefined),
      (cause: unknown) => refuse(room, cause),
    );
  }

  /**
   * Asks for some rooms of a client at once.
   *
   * @param first a question that has been asked already, for the only room
   * @returns the rooms that the client may be in
   * @throws the error of the application, unless it refuses a room: an exception with a status from 400 to 499 does; an error
   * after 30 s without an answer. Both are reported. The reason for which the client has closed
   */
  async allowed(
    client: SseClient,
    rooms: readonly string[],
    first?: Promise<boolean>,
  ): Promise<readonly string[]> {
    if (!this.isUsed) return rooms;
    let asked = first && [first];
    for (;;) {
      const question: PendingQuestion = { isStale: false };
      const questions = this.#pending.get(client) ?? new Set();
      this.#pending.set(client, questions.add(question));
      try {
        asked ??= rooms.map(async (room) => {
          const authorize = this.#policy.authorizerOf(room);
          return authorize === undefined || this.#ask(authorize, client, room);
        });
        const answered = untilAborted(Promise.all(asked), client.signal);
        const answers = await withinDeadline(answered, this.#timeoutMs, () => this.#tooLate(rooms));
        if (!question.isStale) return rooms.filter((_, index) => answers[index]);
        asked = undefined;
      } finally {
        questions.delete(question);
        if (questions.size === 0) this.#pending.delete(client);
      }
    }
  }

  /** Makes pending questions be asked again: a permission may have been withdrawn. @param client default: all clients */
  invalidate(client?: SseClient): void {
    const all = client === undefined ? [...this.#pending.values()] : [this.#pending.get(client) ?? []];
    for (const questions of all) for (const question of questions) question.isStale = true;
  }

  #tooLate(rooms: readonly string[]): Error {
    const error = new Error(
      `authorizeRoom has not answered within ${this.#timeoutMs} ms. It may not wait for a join with \`replay\` of the same client, which waits for this answer.`,
    );
    this.#callbacks.report('authorizeRoom', error, rooms.slice(0, 3).join(', '));
    return error;
  }

  #ask(authorize: AuthorizeRoom, client: SseClient, room: string): boolean | Promise<boolean> {
    const decide = (answer: unknown): boolean => {
      if (typeof answer !== 'boolean') {
        const reason = new TypeError(`authorizeRoom returns true or false, not ${describeValue(answer)}.`);
        this.#callbacks.report('authorizeRoom', reason, room);
      }
      return answer === true;
    };
    const failed = (error: unknown): false => {
      if (isRefusal(error)) return false;
      this.#callbacks.report('authorizeRoom', error, room);
      throw error;
    };
    let answer: unknown;
    try {
      answer = authorize(client, room);
    } catch (error) {
      return failed(error);
    }
    return isThenable(answer) ? Promise.resolve(answer).then(decide, failed) : decide(answer);
  }
}

/** Returns whether an exception is a refusal, as `ForbiddenException` of Nest: its status is from 400 to 499. */
function isRefusal(error: unknown): boolean {
  const { status } = (typeof error === 'object' && error !== null ? error : {}) as { status?: unknown };
  return typeof status === 'number' && status >= 400 && status < 500;
}

function refuse(room: string, cause?: unknown): never {
  const reason = cause === undefined ? 'refused it' : 'failed';
  throw new SseError(
    'room-forbidden',
    `A client may not join the room "${room}": authorizeRoom ${reason}. Let it return true for clients that may.`,
    { cause },
  );
}
