import { ConflictException, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import type { SseClient } from '../../connection/sse-client.js';
import type { StreamLimits } from '../../limits/stream-limits.js';
import { SseError } from '../../protocol/sse-error.js';
import { followStart, hasReceivedEnd, type FollowStart } from '../../runs/following/follow-start.js';
import type { RunFollower } from '../../runs/following/run-follower.js';
import type { RunNode } from '../../runs/run-node.js';
import type { SseRunRouteOptions, SseRunTailOptions } from '../../runs/run-options.interface.js';
import { InsteadOfStream } from '../response/instead-of-stream.js';
import { refuseForNow } from '../stream-opening.js';
import type { RunMetadata } from './run-metadata.js';
import { runAbortOf } from './run-signal.js';

export interface RunRequest {
  readonly node: RunNode;
  readonly run: string;
  readonly metadata: RunMetadata;
  readonly client: SseClient;
  readonly request: object;
  /** As the module's option `readyEvent`. */
  readonly readyEvent: boolean;
  readonly limits: Pick<StreamLimits, 'retryAfterMs'>;
}

const NO_CONTENT = new InsteadOfStream((http, done) => {
  http.answerNoContent();
  done();
});

/**
 * Runs the handler of a route, or follows the run that goes on.
 *
 * @returns the frames of the stream, or the answer in its place
 * @throws what the handler throws before its first event; HttpException
 */
export async function openRun(
  request: RunRequest,
  handler: () => unknown,
): Promise<RunFollower | InsteadOfStream> {
  try {
    return await (request.metadata.kind === 'run'
      ? openOwnRun(request, request.metadata.options, handler)
      : openTail(request, request.metadata.options, handler));
  } catch (error) {
    if (!(error instanceof SseError)) throw error;
    if (error.code === 'too-many-runs')
      throw new ServiceUnavailableException(error.message, { cause: error });
    if (error.code !== 'broker-unavailable' && error.code !== 'broker-closed') throw error;
    return new InsteadOfStream((http, done) =>
      refuseForNow(
        http,
        { status: 503, message: 'Runs cannot be reached', retryMs: request.limits.retryAfterMs() },
        done,
      ),
    );
  }
}

async function openOwnRun(
  request: RunRequest,
  options: SseRunRouteOptions,
  handler: () => unknown,
): Promise<RunFollower> {
  const { node, run, client } = request;
  const { compact: _compact, control: _control, retryMs: _retryMs, whenRunning, ...bounds } = options;
  const { record, producer } = await node.claim(run, bounds, runAbortOf(request.request));
  if (producer === undefined) {
    if (whenRunning === 'conflict')
      throw new ConflictException(`The run goes on, or has ended and is not started again.`);
    return follow(request, followStart(record, client.lastEventId));
  }
  producer.produce(handler);
  await producer.first;
  // A client that sends its POST again, with an id of an earlier run, receives a gap: this is another run.
  return follow(request, followStart(record, client.lastEventId));
}

async function openTail(
  request: RunRequest,
  { whenMissing = 'no-content', whenEnded = 'replay', control = true }: SseRunTailOptions,
  handler: () => unknown,
): Promise<RunFollower | InsteadOfStream> {
  const { node, run, client } = request;
  const { lastEventId } = client;
  await handler();
  if (hasReceivedEnd(lastEventId)) return NO_CONTENT;
  const record = await node.record(run);
  if (record === undefined && whenMissing === 'not-found')
    throw new NotFoundException('There is no such run.');
  if (record === undefined && whenMissing === 'no-content') return NO_CONTENT;
  const start = followStart(record, lastEventId);
  if (record !== undefined && record.state !== 'running') {
    const hasAll = start.isResumed && start.after === record.entries;
    if ((whenEnded === 'no-content' && !start.isResumed) || (!control && hasAll)) return NO_CONTENT;
  }
  return follow(request, start);
}

function follow({ node, run, metadata, client, readyEvent }: RunRequest, start: FollowStart): RunFollower {
  const { compact, control = true } = metadata.options;
  return node.follow(run, {
    clientId: client.id,
    start,
    control,
    ready: readyEvent,
    ...(compact !== undefined && { compact }),
  });
}
