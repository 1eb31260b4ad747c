import { didYouMean } from '../../protocol/did-you-mean.js';
import { describeValue } from '../../protocol/error-text.js';
import type { RoutedRequest } from '../room-names.js';

/**
 * Returns the state that the events of the rooms continue, or a promise of it. Called after the client has joined its rooms.
 *
 * @param controller the instance of the controller; its type is for the annotation of the parameter
 */
export type LoadSnapshot<Request = RoutedRequest> = (request: Request, controller: never) => unknown;

/** The option `snapshot` of `@SseRoom` with more than the function. */
export interface SseSnapshotOptions<Request = RoutedRequest> {
  readonly load: LoadSnapshot<Request>;
  /**
   * `true`: clients in the same rooms that wait at the same time share one load that begins after the last of them has joined,
   * with the request of one of them. So the state may depend on the rooms only: with a state of one user, other users would
   * receive it. `false` loads for each client. Default: `false`.
   */
  readonly shared?: boolean;
}

/** State with which a stream begins. */
export type SseSnapshot<Request = RoutedRequest> = LoadSnapshot<Request> | SseSnapshotOptions<Request>;

const KEYS = ['load', 'shared'];

/** @returns the allowed values, for a message; `undefined` for an allowed one */
export function checkSnapshot(snapshot: unknown): string | undefined {
  if (typeof snapshot === 'function') return undefined;
  const expected = 'a function of the request, or { load, shared? }';
  if (typeof snapshot !== 'object' || snapshot === null) return expected;
  const { load, shared } = snapshot as Partial<SseSnapshotOptions<never>>;
  const unknown = Object.keys(snapshot).find((key) => !KEYS.includes(key));
  if (unknown !== undefined)
    return `${expected}, without ${describeValue(unknown)}${didYouMean(unknown, KEYS)}`;
  const isAllowed = typeof load === 'function' && (shared === undefined || typeof shared === 'boolean');
  return isAllowed ? undefined : expected;
}

/** Options with a function, and with the default of `shared`. */
export function snapshotOptionsOf(snapshot: SseSnapshot<never>): Required<SseSnapshotOptions<never>> {
  return { shared: false, ...(typeof snapshot === 'function' ? { load: snapshot } : snapshot) };
}
