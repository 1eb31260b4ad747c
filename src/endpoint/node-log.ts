import { Logger } from '@nestjs/common';
import type { CloseReason } from '../connection/close-reason.js';
import type { SseClient } from '../connection/sse-client.js';
import { clientLabel } from '../logs/client-label.js';
import { RepeatedLines } from '../logs/repeated-lines.js';
import { messageOf, stackOf } from '../protocol/error-text.js';

/** Reasons for which the connection of a client that reads too slowly is cut. */
const CUTS: readonly CloseReason[] = ['slow-consumer', 'write-timeout'];

/** The log of one node. Lines that repeat are written once in ten seconds. */
export class NodeLog {
  readonly #logger = new Logger('SseService');
  readonly #lines = new RepeatedLines();

  /**
   * Logs a failure that no caller receives, such as the rejection of a promise that is not awaited.
   *
   * @param call the call that failed, with its event and rooms; `undefined` for work in the background
   */
  readonly failed = (error: unknown, call?: string): void => {
    const subject =
      call === undefined ? 'Work in the background failed' : `${call} failed, and nobody awaited it`;
    const group = call?.split('(')[0] ?? 'background';
    const message = messageOf(error);
    this.#lines.log(`${group} ${message}`, group, (repeated) =>
      this.#logger.error(`${subject}: ${message}${repeated}`, stackOf(error)),
    );
  };

  /** Logs the failure of a callback or a subscriber of the application, whose repetitions are left out already. */
  readonly callbackFailed = (message: string, error: unknown): void =>
    this.#logger.error(message, stackOf(error));

  /** Logs a line of the broker, such as the beginning and the end of an outage. */
  readonly broker = (level: 'warn' | 'log', message: string): void =>
    this.#lines.log(`broker ${message}`, `broker ${level}`, (repeated) =>
      this.#logger[level](`${message}${repeated}`),
    );

  /** As in `RepeatedLines`. */
  flush(): void {
    this.#lines.flush();
  }

  /** Logs an event that does not fit the contract, and is published all the same. */
  readonly eventMismatched = (error: Error): void =>
    this.#lines.log(error.message, 'contract', (repeated) =>
      this.#logger.warn(`${error.message}${repeated}`, error.stack),
    );

  /** Logs that a limit refused a request, or ended an older stream. */
  readonly limitReached = (limit: string): void =>
    this.#lines.log(limit, limit, (repeated) =>
      this.#logger.warn(`The limit "${limit}" was reached.${repeated}`),
    );

  /** Logs that a stream opened without a limit over all nodes. */
  readonly limitUnchecked = (limit: string, error: unknown): void =>
    this.#lines.log(`unchecked ${limit}`, 'unchecked', (repeated) =>
      this.#logger.warn(
        `The limit "${limit}" was not checked, and the stream opened: ${messageOf(error)}${repeated}`,
      ),
    );

  /** Logs that a client was cut because it read too slowly. */
  readonly disconnected = (client: SseClient, reason: CloseReason): void => {
    if (!CUTS.includes(reason)) return;
    this.#lines.log(reason, reason, (repeated) =>
      this.#logger.debug(`A client was cut as ${reason}: ${clientLabel(client)}.${repeated}`),
    );
  };
}
