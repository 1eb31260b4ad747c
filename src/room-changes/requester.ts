import { UnauthorizedException } from '@nestjs/common';
import { SseClient, type ClientHost } from '../connection/sse-client.js';
import { checkUser } from '../protocol/input/user-name.js';
import { SseError } from '../protocol/sse-error.js';
import { ignoreRejection } from '../protocol/thenable.js';

/** The owner of the stream that a request may change, as a part of a command's target. */
export interface Owner {
  readonly users?: readonly string[];
  readonly withoutUser?: true;
}

export interface RequesterOptions {
  /** As in `SseRoomChangesOptions`. */
  readonly user: ((request: never) => string | number | undefined) | undefined;
  /** Sets the identity of a client by the option `identify`. */
  readonly identify: (client: SseClient) => void;
  /** False where no stream has a user: then the id of a stream, which only its page knows, is all that is asked for. */
  readonly hasUsers: boolean;
}

/**
 * Returns who must own the stream: the user of the request, or nobody for a request without a user.
 *
 * @throws UnauthorizedException for a user whose time is over
 * @throws SseError `invalid-user` for a result of the option `user` that is no name
 */
export function ownerOf(request: object, { user, identify, hasUsers }: RequesterOptions): Owner {
  if (!hasUsers) return {};
  const name = user === undefined ? identified(request, identify) : userOf(request, user);
  return name === undefined ? { withoutUser: true } : { users: [name] };
}

function userOf(request: object, user: (request: never) => unknown): string | undefined {
  const name = user(request as never);
  ignoreRejection(name);
  return name === undefined || name === null ? undefined : checkUser(name);
}

function identified(request: object, identify: RequesterOptions['identify']): string | undefined {
  const client = new SseClient({ id: crypto.randomUUID(), request, lastEventId: undefined, host: NO_STREAM });
  identify(client);
  const { expiresAtMs = Infinity } = client.identity ?? {};
  if (expiresAtMs <= Date.now()) throw new UnauthorizedException('The identity of this request has expired.');
  return client.user;
}

/** `identify` is called with a client that has no stream: of it only the request can be used. */
const NO_STREAM: ClientHost = {
  join: () => Promise.reject(withoutStream()),
  leave: refuse,
  send: refuse,
  setRetry: refuse,
  clientClosed: refuse,
};

function refuse(): never {
  throw withoutStream();
}

function withoutStream(): SseError {
  return new SseError(
    'invalid-arguments',
    'The option "identify" of SseModule was called for a request with @SseRoomChanges(), whose client has no stream. Read client.request alone.',
  );
}
