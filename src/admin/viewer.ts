import { BadRequestException } from '@nestjs/common';
import type { SseClient } from '../connection/sse-client.js';
import { EVERYONE, NAMES_OF_OTHER_NODES, checkRoom } from '../protocol/input/room-name.js';
import { SseError } from '../protocol/sse-error.js';

/** Subject of one stream of the page: all nodes, one client (with `sent` also its events), or one room. */
export type Subject =
  | { readonly kind: 'overview' }
  | { readonly kind: 'client'; readonly id: string; readonly sent: boolean }
  | { readonly kind: 'room'; readonly name: string };

/** One open stream of the page on this node. */
export interface Viewer {
  readonly client: SseClient;
  readonly subject: Subject;
}

/** Reads the subject from a query: `?client=…&sent=true`, `?room=…`, or nothing. */
export function subjectOf(query: unknown): Subject {
  const { client, room, sent } = (query ?? {}) as Readonly<Record<string, unknown>>;
  if (client !== undefined) {
    if (!isClientId(client)) throw new BadRequestException('No client has such an id');
    return { kind: 'client', id: client, sent: sent === 'true' };
  }
  if (room === undefined) return { kind: 'overview' };
  if (!isRoom(room)) throw new BadRequestException('No room has such a name');
  return { kind: 'room', name: room };
}

export function isClientId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value);
}

export function isRoom(value: unknown): value is string {
  try {
    return value !== EVERYONE && checkRoom(value, NAMES_OF_OTHER_NODES) === value;
  } catch (error) {
    if (error instanceof SseError) return false;
    throw error;
  }
}
