import { HttpStatus, Inject, Injectable, Logger } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { stackOf } from '../protocol/error-text.js';
import type { SseError } from '../protocol/sse-error.js';
import { SseService } from '../sse.service.js';
import type { ResolvedHttpApiOptions } from './http-api-checks.js';
import { parseBody, type RequestedEvent } from './publish-body.js';
import {
  invalidEvent,
  publishFailure,
  refusal,
  RETRY_AFTER_SECONDS,
  type PublishFailure,
} from './publish-failure.js';
import { RESOLVED_HTTP_API_OPTIONS } from './publish-key.guard.js';
import { checkMediaType, checkSize, type PublishRequest } from './request-checks.js';

/** The outcome of one event: its position, `null` for an event that cannot be replayed, or the failure. */
export type PublishResult = { readonly position: string | null } | { readonly error: PublishFailure };

/** The body of an answer: of one event its position, of a batch one result for each event, in their order. */
export type PublishAnswer = PublishResult | { readonly results: readonly PublishResult[] };

const logger = new Logger('SseHttpApiModule');

/** Publishes the events of a request. */
@Injectable()
export class PublishService {
  constructor(
    @Inject(SseService) private readonly sse: SseService,
    @Inject(RESOLVED_HTTP_API_OPTIONS) private readonly options: ResolvedHttpApiOptions,
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
  ) {}

  /** Checks every event of the body, then publishes them in their order. @throws HttpException */
  async publish(request: PublishRequest, response: object): Promise<PublishAnswer> {
    checkMediaType(request);
    checkSize(request, this.options.maxBodyBytes);
    const { isBatch, events } = parseBody(request.body, this.options.maxBatch, this.sse.internals.options);
    const prepared = events.map((event) => this.#prepare(request, event));
    const results = await Promise.all(prepared.map(outcome));
    const failures = results.flatMap((result) => ('error' in result ? [result.error] : []));
    const [failed] = failures;
    if (failed === undefined) return isBatch ? { results } : (results[0] as PublishResult);
    const { httpAdapter } = this.adapterHost;
    if (failures.some(({ statusCode }) => statusCode === UNAVAILABLE)) {
      httpAdapter.setHeader(response, 'Retry-After', String(RETRY_AFTER_SECONDS));
    }
    if (!isBatch) throw refusal(failed.statusCode, failed.code, failed.message);
    const isPartial = failures.length < results.length;
    httpAdapter.status(response, isPartial ? HttpStatus.MULTI_STATUS : failed.statusCode);
    return { results };
  }

  /** Checks an event and serializes its data. @returns publishes it */
  #prepare(request: PublishRequest, { rooms, event, data, options, path }: RequestedEvent): Publish {
    const denied = rooms.find((room) => !this.options.keys.allows(request, room));
    if (denied !== undefined) {
      throw refusal(
        HttpStatus.FORBIDDEN,
        'room-not-allowed',
        `The key may not publish to the room ${JSON.stringify(denied)}.`,
        `${path}rooms`,
      );
    }
    const attempt = (own: object): Publish => this.sse.prepare(rooms, event, data, own);
    try {
      return attempt(options);
    } catch (error) {
      throw invalidEvent(error, `${path}${fieldOf(error, options, attempt)}`);
    }
  }
}

/** The field of an event that did not pass a check. Its options are tried one by one. */
function fieldOf(
  error: unknown,
  options: RequestedEvent['options'],
  attempt: (own: object) => Publish,
): string {
  const { code } = error as SseError;
  if (code === 'unknown-room') return 'rooms';
  if (code === 'unknown-event') return 'event';
  const { volatile } = options;
  const withoutOptions = codeOf(() => attempt({ volatile }));
  const own = ['except', 'acknowledge'].filter((name) => options[name] !== undefined);
  const found = own.find((name) => codeOf(() => attempt({ [name]: options[name], volatile })) === code);
  return withoutOptions === code ? 'data' : (found ?? 'data');
}

/** The code of the error that a call throws. */
function codeOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as SseError).code;
  }
}

const UNAVAILABLE: number = HttpStatus.SERVICE_UNAVAILABLE;

type Publish = () => Promise<string | undefined>;

async function outcome(publish: Publish): Promise<PublishResult> {
  try {
    return { position: (await publish()) ?? null };
  } catch (error) {
    const failure = publishFailure(error);
    if (failure.code === 'internal-error') logger.error('An event was not published', stackOf(error));
    return { error: failure };
  }
}
