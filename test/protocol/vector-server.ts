import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type Server,
  type ServerResponse,
} from 'node:http';
import { checkEventId, checkEventName, checkRetry } from '../../src/protocol/input/event-fields.js';
import { encodeEvent, type SseFields } from '../../src/protocol/encode-event.js';
import { streamHeaders } from '../../src/protocol/stream-headers.js';
import { portOf } from '../support/port-of.js';
import { END_EVENT, VECTORS } from './vectors.js';

/** Checks and encodes an event, as the module does with one of the application. */
export function checkedAndEncoded(fields: {
  event?: unknown;
  id?: unknown;
  retry?: unknown;
  data?: string;
  comment?: string;
}): string {
  return encodeEvent({
    ...fields,
    event: checkEventName(fields.event),
    id: checkEventId(fields.id),
    retry: fields.retry === undefined ? undefined : checkRetry(fields.retry),
  });
}

/** The answer to each connection of one client to `/reconnects`, and the `Last-Event-ID` that it must send. */
export const VISITS: readonly {
  readonly lastEventId: string | undefined;
  readonly answer: SseFields | undefined;
}[] = [
  { lastEventId: undefined, answer: { retry: 10, id: 'a"<>(1)', event: 'visit', data: 'first' } },
  { lastEventId: 'a"<>(1)', answer: { event: 'visit', data: 'no id, so the last one stays' } },
  { lastEventId: 'a"<>(1)', answer: { id: 'x'.repeat(128), event: 'visit', data: 'another' } },
  { lastEventId: 'x'.repeat(128), answer: { id: '', event: 'visit', data: 'reset' } },
  // 204 asks a client not to reconnect.
  { lastEventId: undefined, answer: undefined },
];

const HEADERS = streamHeaders({}) as OutgoingHttpHeaders;

/** Streams of encoded vectors over a plain Node server, for clients that the project did not write. */
export class VectorServer {
  /** The `Last-Event-ID` of each request to `/reconnects`. */
  readonly lastEventIds: (string | undefined)[] = [];
  readonly url: string;

  private constructor(private readonly server: Server) {
    this.url = `http://127.0.0.1:${portOf(server)}`;
    server.on('request', (request, response) => this.answer(request, response));
  }

  static async start(): Promise<VectorServer> {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new VectorServer(server);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const [, kind, index] = (request.url ?? '').split('/');
    if (kind === 'vector') this.answerVector(Number(index), response);
    else if (kind === 'reconnects') this.answerVisit(request, response);
    else
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>vectors</title>');
  }

  private answerVector(index: number, response: ServerResponse): void {
    response.writeHead(200, HEADERS);
    for (const fields of VECTORS[index]?.send ?? []) response.write(checkedAndEncoded(fields));
    response.write(checkedAndEncoded({ event: END_EVENT, data: '' }));
  }

  private answerVisit(request: IncomingMessage, response: ServerResponse): void {
    const answer = VISITS[this.lastEventIds.length]?.answer;
    this.lastEventIds.push(request.headers['last-event-id'] as string | undefined);
    if (answer === undefined) response.writeHead(204).end();
    else response.writeHead(200, HEADERS).end(checkedAndEncoded(answer));
  }
}
