import { HttpException, HttpStatus } from '@nestjs/common';
import { withinDeadline } from '../protocol/promises/deadline.js';
import { describeValue } from '../protocol/error-text.js';
import { SseError } from '../protocol/sse-error.js';
import type { DecideRoom, RefusedRoom } from './room-changes.interface.js';

/** Decisions about the rooms of one request. */
export interface Decisions {
  readonly allowed: readonly string[];
  readonly refused: readonly RefusedRoom[];
}

export interface DecisionOptions {
  readonly timeoutMs: number;
  /** Takes a failure that is no `HttpException`: the page receives nothing of it. */
  readonly report: (error: unknown, room: string) => void;
}

/**
 * Asks for each room at once. A decision that fails or does not come in time refuses its own room.
 *
 * @param decision the result of the handler
 * @throws SseError `invalid-arguments` for a result that decides nothing
 */
export async function decideRooms(
  rooms: readonly string[],
  decision: unknown,
  { timeoutMs, report }: DecisionOptions,
): Promise<Decisions> {
  const decide = decideWith(decision);
  const decisions = await Promise.all(
    rooms.map(async (room): Promise<RefusedRoom | undefined> => {
      try {
        const result: unknown = await withinDeadline(decide(room), timeoutMs, undecided);
        if (result === true) return undefined;
        if (result === false) return { room, status: HttpStatus.FORBIDDEN, message: 'Forbidden' };
        throw new SseError(
          'invalid-arguments',
          `The function that a method with @SseRoomChanges() returned has returned ${describeValue(result)}. Return true or false.`,
        );
      } catch (error) {
        if (!(error instanceof HttpException)) report(error, room);
        return { room, ...reasonOf(error) };
      }
    }),
  );
  const refused = decisions.filter((each) => each !== undefined);
  const names = new Set(refused.map(({ room }) => room));
  return { allowed: rooms.filter((room) => !names.has(room)), refused };
}

function decideWith(decision: unknown): DecideRoom {
  if (typeof decision === 'function') return decision as DecideRoom;
  if (typeof decision === 'boolean') return () => decision;
  throw new SseError(
    'invalid-arguments',
    `A method with @SseRoomChanges() returned ${describeValue(decision)}. Return true, false, or a function that returns one of them for a room.`,
  );
}

function reasonOf(error: unknown): Omit<RefusedRoom, 'room'> {
  if (!(error instanceof HttpException)) {
    return { status: HttpStatus.INTERNAL_SERVER_ERROR, message: 'Internal server error' };
  }
  const response = error.getResponse();
  const message = typeof response === 'string' ? response : (response as { message?: unknown }).message;
  // A list, as pipes make.
  const texts = [message].flat().filter((text) => typeof text === 'string');
  return { status: error.getStatus(), message: texts.length === 0 ? error.message : texts.join('; ') };
}

/** The failure of a handler or a decision that takes too long. */
export function undecided(): HttpException {
  return new HttpException('It was not decided in time. Try again.', HttpStatus.SERVICE_UNAVAILABLE);
}
