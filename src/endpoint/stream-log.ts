import { Logger, type ExecutionContext } from '@nestjs/common';
import type { SseClient } from '../connection/sse-client.js';
import { clientLabel } from '../logs/client-label.js';
import { RepeatedLines } from '../logs/repeated-lines.js';
import { messageOf, stackOf } from '../protocol/error-text.js';
import type { SseError } from '../protocol/sse-error.js';

/** Logs what goes wrong in the streams of `@SseRoom` endpoints. */
export class StreamLog {
  readonly #logger: Logger;
  readonly #lines = new RepeatedLines();
  /** Methods whose room functions have made an invalid name. */
  readonly #warned = new WeakSet<object>();

  constructor(name: string) {
    this.#logger = new Logger(name);
  }

  /** The source of a handler failed after the stream had opened. */
  failed(handler: string, path: string, client: SseClient, error: unknown): void {
    this.#error(handler, `The stream of ${path} failed. At ${clientLabel(client)}.`, error);
  }

  /** A request failed, and an outer interceptor replaced the failure. */
  unanswered(path: string, error: unknown): void {
    const line =
      `${path} failed, and an interceptor of the controller or the application returned a value for the failure, ` +
      'which is not sent. Let that interceptor rethrow the error, or write it above @SseRoom() on the method.';
    this.#error('unanswered', line, error);
  }

  /**
   * Warns of an invalid name that a room function has made: of a client's bad value, or of a guard that is missing. Once per
   * method, since any client can repeat such requests.
   */
  invalidRoom(context: ExecutionContext, error: SseError): void {
    const handler = context.getHandler();
    if (this.#warned.has(handler)) return;
    this.#warned.add(handler);
    const label = `${context.getClass().name}.${handler.name}()`;
    this.#logger.warn(
      `A room function of ${label} made an invalid name, answered with 400: ${error.message}`,
    );
  }

  #error(group: string, line: string, error: unknown): void {
    this.#lines.log(`${group} ${messageOf(error)}`, group, (repeated) =>
      this.#logger.error(`${line}${repeated}`, stackOf(error)),
    );
  }
}
