import {
  ForbiddenException,
  Injectable,
  NotFoundException,
  Optional,
  ServiceUnavailableException,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { mergeMap, throwError, timeout, type Observable } from 'rxjs';
import { HttpExchange } from '../endpoint/http-exchange.js';
import { isForbiddenOrigin } from '../endpoint/identity/origin-check.js';
import { SseError } from '../protocol/sse-error.js';
import { SSE_ROOM_CHANGES_METADATA } from '../sse.constants.js';
import { SseService } from '../sse.service.js';
import { ownerOf, type Owner } from './requester.js';
import { parseRoomChanges, type RequestedChanges, type RoomChangesRequest } from './room-changes-body.js';
import type { RoomChangesAnswer, RoomChangesMetadata } from './room-changes.interface.js';
import { decideRooms, undecided } from './room-decisions.js';

/** Changes the rooms of a stream as a request asks and the handler decides. `@SseRoomChanges` installs it. */
@Injectable()
export class RoomChangesInterceptor implements NestInterceptor {
  constructor(@Optional() private readonly sse?: SseService) {
    if (sse === undefined) {
      throw new SseError(
        'module-not-imported',
        'A route has @SseRoomChanges(), but SseModule is not there. Import SseModule.forRoot().',
      );
    }
    // A mock of the service has none.
    (sse as Partial<SseService>).internals?.commands.checkSupport();
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (context.getType() !== 'http') return next.handle();
    const { hub, options, presence, commands } = (this.sse as SseService).internals;
    const handler = context.getHandler();
    const metadata = Reflect.getMetadata(SSE_ROOM_CHANGES_METADATA, handler) as RoomChangesMetadata;
    const exchange = context.switchToHttp();
    const request = exchange.getRequest<RoomChangesRequest>();
    const http = new HttpExchange(request, exchange.getResponse());
    if (isForbiddenOrigin(http, request, options.allowedOrigins)) throw new ForbiddenException(CROSS_SITE);
    const changes = parseRoomChanges(request, metadata.maxRooms, {
      ...options,
      hasSessions: commands.hasSessions,
    });
    const owner = ownerOf(request, {
      user: metadata.user,
      identify: (client) => presence.identify(client),
      hasUsers: commands.hasUsers,
    });
    const { timeoutMs } = metadata;
    const report = (error: unknown, room: string): void =>
      hub.callbacks.report('@SseRoomChanges', error, `${context.getClass().name}.${handler.name}(), ${room}`);
    return next.handle().pipe(
      timeout({ first: timeoutMs, with: () => throwError(undecided) }),
      mergeMap(async (decision: unknown): Promise<RoomChangesAnswer> => {
        const { allowed, refused } = await decideRooms(changes.join, decision, { timeoutMs, report });
        const done = await this.#change(changes, owner, allowed, metadata);
        const notJoined = new Set(done.map(({ room }) => room));
        return {
          joined: allowed.filter((room) => !notJoined.has(room)),
          left: changes.leave,
          refused: [...refused, ...done],
        };
      }),
    );
  }

  /** @returns the rooms that the stream could not join */
  async #change(
    { stream, leave }: RequestedChanges,
    owner: Owner,
    join: readonly string[],
    { replay }: RoomChangesMetadata,
  ): Promise<RoomChangesAnswer['refused']> {
    const { hub, commands } = (this.sse as SseService).internals;
    let outcome;
    try {
      outcome = await hub.beforeClose(commands.changeRooms({ ...stream, ...owner }, { join, leave, replay }));
    } catch (cause) {
      if (!(cause instanceof SseError) || !UNAVAILABLE.has(cause.code)) throw cause;
      throw new ServiceUnavailableException('The rooms may be changed or not. Send the request again.', {
        cause,
        description: 'Service Unavailable', // Nest 11 leaves `error` out of the body of an exception with options.
      });
    }
    if (outcome.reached === 0) throw new NotFoundException('There is no such stream.');
    return outcome.refused;
  }
}

const UNAVAILABLE: ReadonlySet<string> = new Set<SseError['code']>(['broker-unavailable', 'broker-closed']);

/** Text of the refusal. It does not repeat the origin, which is untrusted. */
const CROSS_SITE =
  'Pages of this origin may not change rooms with credentials. Allow it with the option "allowedOrigins" of SseModule, or ' +
  'with CORS and credentials.';
