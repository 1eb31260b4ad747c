import type { Socket } from 'node:net';
import { isHttp1, type RawResponse } from './raw-response.js';

/** An ended stream, and the connection below it if that ends with it. */
export interface EndedStream {
  readonly response: RawResponse;
  readonly connection: Socket | undefined;
  readonly closesConnection: boolean;
}

/** Calls `cut` unless an ended stream closes within `graceMs` milliseconds. */
export function cutAfter(graceMs: number, ended: EndedStream, cut: () => void): void {
  const { response, connection, closesConnection } = ended;
  // Behind an earlier response of a pipelining client the grace time has not begun.
  if (
    isHttp1(response) &&
    connection !== undefined &&
    response.socket === null &&
    !response.writableFinished
  ) {
    response.once('socket', () => cutAfter(graceMs, ended, cut));
    return;
  }
  if (response.destroyed || connection?.destroyed === true) return;
  const timer = setTimeout(cut, graceMs);
  ((closesConnection && connection) || response).once('close', () => clearTimeout(timer));
}
