import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { CloseReason } from '../close-reason.js';
import type { RawResponse } from './raw-response.js';

export interface CloseListener {
  close(reason: CloseReason): void;
  /** Takes the end of a response, by this module or by the application. */
  readonly writer?: { responseEnded(): void };
}

/**
 * Property of a response that holds its listener. All responses share their functions, so that a client costs no closure. One
 * property for both: before Node 24 each one gives a response of Express another hidden class of its own.
 */
const LISTENER = Symbol('nestjs-simple-sse:close-listener');
/** Property of a pipelined response that holds the function which no longer listens to the connection. */
const LEAVE_CONNECTION = Symbol('nestjs-simple-sse:leave-connection');
type ResponseWithListener = RawResponse & {
  [LISTENER]?: CloseListener | undefined;
  [LEAVE_CONNECTION]?: () => void;
};

function closeListener(this: RawResponse): void {
  (this as ResponseWithListener)[LISTENER]?.close('client-gone');
}

/**
 * Returns the payload of a response to Fastify's `inject({ payloadAsStream: true })`, and `undefined` for a response with a
 * connection. light-my-request tells neither the request nor the response that the reader has destroyed the payload, and
 * offers no public access to it from the response.
 */
function injectedPayload(response: RawResponse): Readable | undefined {
  const { _lightMyRequest } = response as { _lightMyRequest?: { stream?: Readable } };
  return _lightMyRequest?.stream;
}

/**
 * Closes `listener` as `client-gone` when the response can no longer be written; possibly more than once.
 *
 * Listens to the response, since the request's `close` fires as soon as its body is read. The response to a pipelined
 * request has no socket before its turn and would miss the end of the connection, so until then the connection is
 * listened to.
 */
export function attachCloseListener(
  response: RawResponse,
  connection: Socket | undefined,
  listener: CloseListener,
): void {
  (response as ResponseWithListener)[LISTENER] = listener;
  response.on('close', closeListener);
  injectedPayload(response)?.once('close', () => closeListener.call(response));
  if (connection === undefined || response.socket !== null) return;
  const onConnectionClose = (): void => closeListener.call(response);
  connection.once('close', onConnectionClose);
  const leaveConnection = (): void => void connection.off('close', onConnectionClose);
  response.once('socket', leaveConnection);
  // A response that ends before its turn must not leave a listener on the connection.
  (response as ResponseWithListener)[LEAVE_CONNECTION] = leaveConnection;
}

export function detachCloseListener(response: RawResponse): void {
  (response as ResponseWithListener)[LISTENER] = undefined;
  (response as ResponseWithListener)[LEAVE_CONNECTION]?.();
}

function endListener(this: RawResponse): void {
  (this as ResponseWithListener)[LISTENER]?.writer?.responseEnded();
}

/**
 * Notifies the writer of the attached listener synchronously, within `response.end()`, of an HTTP/1 response whose bytes are
 * written directly to its socket. Reading `response.writableEnded` at each write instead costs a third of a delivery on
 * Express, whose `Object.setPrototypeOf` gives each response a hidden class of its own before Node 24.
 */
export function notifyOfEnd(response: RawResponse): void {
  response.on('prefinish', endListener);
}
