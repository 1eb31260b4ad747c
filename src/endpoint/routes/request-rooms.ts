import { BadRequestException, type ExecutionContext } from '@nestjs/common';
import type { StreamLimits } from '../../limits/stream-limits.js';
import type { RoomNameRules } from '../../protocol/input/room-name.js';
import { SseError } from '../../protocol/sse-error.js';
import { after, orElse } from '../../protocol/thenable.js';
import { roomsOfRequest, type RoomSource } from '../room-names.js';
import type { StreamLog } from '../stream-log.js';
import type { SseRoomMetadata } from './room-metadata.js';

/** The rooms of a request, and the name of the run that its route names. */
export interface RequestRooms {
  readonly rooms: readonly string[];
  readonly run: string | undefined;
}

/**
 * Computes the rooms of a request, and the name of its run.
 *
 * @returns a promise only where a function of the application returns one
 * @throws SseError `missing-room`; BadRequestException; or the promise rejects
 */
export function requestRooms(
  { sources, run }: SseRoomMetadata,
  request: { params?: unknown },
  context: ExecutionContext,
  { options: rules, limits }: { readonly options: RoomNameRules; readonly limits: StreamLimits },
  log: StreamLog,
): RequestRooms | Promise<RequestRooms> {
  const named: readonly RoomSource<never>[] = run === undefined ? sources : [run.source];
  const checked = (rooms: readonly string[]): RequestRooms => {
    if (run === undefined) {
      limits.checkRooms(rooms);
      return { rooms, run: undefined };
    }
    const [name, ...others] = rooms;
    if (name !== undefined && others.length === 0) return { rooms: [], run: name };
    throw new SseError('invalid-room', 'A run has exactly one name.');
  };
  const refuse = (error: unknown): never => {
    // The server's fault, unlike other names: 500 and a line in the log.
    if (error instanceof SseError && error.code === 'missing-room') {
      throw new SseError(error.code, `${labelOf(context)} cannot join its room. ${error.message}`);
    }
    if (error instanceof SseError && named.some((source) => typeof source === 'function')) {
      log.invalidRoom(context, error);
    }
    if (error instanceof SseError)
      throw new BadRequestException(error.message, { cause: error, description: 'Bad Request' });
    throw error;
  };
  return orElse(() => after(roomsOfRequest(named, request, rules), checked), refuse);
}

function labelOf(context: ExecutionContext): string {
  return `${context.getClass().name}.${context.getHandler().name}()`;
}
