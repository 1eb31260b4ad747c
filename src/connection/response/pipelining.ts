import { Socket } from 'node:net';
import { isHttp1, type RawRequest, type RawResponse } from './raw-response.js';

/** Responses of the latest stream request of each HTTP/1 connection, which may outlive it by its keep-alive time. */
const latest = new WeakMap<Socket, RawResponse>();

/**
 * Claims the place of the one stream that an HTTP/1 connection may wait for or carry.
 *
 * HTTP/1 answers in the order of the requests (RFC 9112, section 9.3.2). A stream request that is pipelined behind an open
 * stream is answered after the end of that, so that a client would only hold events.
 *
 * Call it before anything is awaited: of several pipelined requests the next one then finds the claim.
 *
 * @returns `false` if an earlier stream request of the connection is not answered yet
 */
export function claimConnection({ socket }: RawRequest, response: RawResponse): boolean {
  if (!isHttp1(response) || !(socket instanceof Socket)) return true;
  const earlier = latest.get(socket);
  // A response has its socket only from its turn on, when everything before it is answered.
  if (response.socket === null && earlier?.writableEnded === false) return false;
  latest.set(socket, response);
  return true;
}
