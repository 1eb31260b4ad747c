import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { connect as connectHttp2, constants, createServer as createHttp2Server } from 'node:http2';
import type { Http2Server, Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { portOf } from '../../../test/support/port-of.js';
import { RawSocket } from '../../../test/support/raw-socket.js';
import { eventually, within } from '../../../test/support/within.js';
import { SseFrame } from '../../protocol/sse-frame.js';
import { streamHeaders } from '../../protocol/stream-headers.js';
import { EMPTY_BATCH, type Batch } from '../queue/batch.js';
import { ResponseWriter } from './response-writer.js';

const FRAMES = ['data: one\n\n', 'event: zürich\ndata: 🙂\n\n', `data: ${'x'.repeat(5_000)}\n\n`].map(
  (text) => new SseFrame(text),
);

/** Longer than any of these tests. */
const GRACE_MS = 10_000;

function batchOf(frames: readonly SseFrame[]): Batch {
  return frames.reduce((batch, frame) => batch.append(frame), EMPTY_BATCH);
}

let servers: (Server | Http2Server)[] = [];
let sockets: RawSocket[] = [];

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }
  servers = [];
  sockets = [];
  EMPTY_BATCH.forgetNext();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${portOf(server)}`;
}

async function connect(url: string, options?: { reading: boolean }): Promise<RawSocket> {
  const socket = await RawSocket.connect(url, options);
  sockets.push(socket);
  return socket;
}

interface Served {
  readonly writer: ResponseWriter;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly client: RawSocket;
}

interface AskOptions {
  readonly version?: '1.0' | '1.1';
  readonly reading?: boolean;
  readonly prepare?: (response: ServerResponse) => void;
}

/** A writer on a real connection with the headers sent, and the raw socket of its client. */
async function open({ version = '1.1', reading = true, prepare }: AskOptions = {}): Promise<Served> {
  let served!: Omit<Served, 'client'>;
  const url = await serve((request, response) => {
    response.sendDate = false;
    prepare?.(response);
    const writer = new ResponseWriter(request, response);
    writer.open({});
    served = { writer, request, response };
  });
  const client = await connect(url, { reading });
  client.get('/', [], version);
  if (reading) await client.receives(/\r\n\r\n/);
  else await eventually(() => served, 'the request');
  return { ...served, client };
}

/** Bytes that a client receives from a plain Node response with the same writes. */
async function asNodeWrites(
  chunks: readonly Buffer[],
  version: '1.0' | '1.1',
  prepare?: (response: ServerResponse) => void,
): Promise<string> {
  const url = await serve((_request, response) => {
    response.sendDate = false;
    prepare?.(response);
    response.writeHead(200, streamHeaders({}) as Record<string, string>).flushHeaders();
    for (const chunk of chunks) response.write(chunk);
    response.end();
  });
  const client = await connect(url);
  client.get('/', ['Connection: close'], version);
  await client.ended();
  return client.received;
}

/** Splits a response into its headers, in any order, and its body. */
function split(received: string): { head: string[]; body: string } {
  const [head = '', ...body] = received.split('\r\n\r\n');
  const lines = head.split('\r\n').filter((line) => !/^(connection|keep-alive):/i.test(line));
  return { head: lines.toSorted(), body: body.join('\r\n\r\n') };
}

/** Collects direct writes to the socket. */
function watchSocket(response: ServerResponse): unknown[] {
  const written: unknown[] = [];
  const { socket } = response;
  if (socket === null) throw new Error('the response has no socket');
  const write = socket.write.bind(socket) as (chunk: unknown, ...rest: unknown[]) => boolean;
  socket.write = (chunk: unknown, ...rest: unknown[]) => {
    written.push(chunk);
    return write(chunk, ...rest);
  };
  return written;
}

describe.each(['1.1', '1.0'] as const)('over HTTP/%s', (version) => {
  it('writes exactly what response.write would', async () => {
    const { writer, client } = await open({ version });
    const batch = batchOf(FRAMES);
    writer.write(batch);
    writer.writeFrames(FRAMES);
    writer.write(batchOf(FRAMES.slice(0, 1)));
    writer.end(GRACE_MS, true);
    await client.ended();
    const chunks = [batch.bytes, ...FRAMES.map(({ bytes }) => bytes), (FRAMES[0] as SseFrame).bytes];
    expect(split(client.received)).toEqual(split(await asNodeWrites(chunks, version)));
  });

  it('an empty stream is an empty body', async () => {
    const { writer, client } = await open({ version });
    writer.end(GRACE_MS, true);
    await client.ended();
    expect(split(client.received)).toEqual(split(await asNodeWrites([], version)));
  });
});

describe('a write', () => {
  it('goes directly to the socket of a chunked response: the shared bytes, one piece for each batch', async () => {
    const { writer, response, client } = await open();
    const written = watchSocket(response);
    const batch = batchOf(FRAMES);
    expect(writer.write(batch)).toBe(true);
    expect(written).toHaveLength(1);
    expect(written[0]).toBe(batch.chunked);
    expect(writer.writeFrames(FRAMES.slice(0, 2))).toBe(true);
    expect(written.slice(1).map((bytes, n) => bytes === FRAMES[n]?.chunked)).toEqual([true, true]);
    await client.receives(/🙂[^]*🙂/);
  });

  it('goes through the response for HTTP/1.0, which has no chunks', async () => {
    const { writer, response, client } = await open({ version: '1.0' });
    const written = watchSocket(response);
    writer.write(batchOf(FRAMES));
    expect(written).not.toContain(batchOf(FRAMES).chunked);
    await client.receives(/🙂/);
    expect(split(client.received).body.startsWith('data: one\n\nevent: zürich')).toBe(true);
  });

  it('goes through the write and flush of a middleware', async () => {
    const seen: string[] = [];
    const { writer, client } = await open({
      prepare: (response) => {
        const write = response.write.bind(response) as (chunk: Buffer) => boolean;
        response.write = (chunk: Buffer) => {
          seen.push(chunk.toString());
          return write(Buffer.from(chunk.toString().toUpperCase()));
        };
        Object.assign(response, { flush: () => seen.push('flush') });
      },
    });
    writer.write(batchOf(FRAMES.slice(0, 2)));
    writer.writeFrames(FRAMES.slice(0, 2));
    await client.receives(/DATA: ONE\n\nEVENT[^]*DATA: ONE[^]*🙂/);
    const [one, two] = FRAMES.map(({ bytes }) => bytes.toString());
    expect(seen).toEqual([`${one}${two}`, 'flush', one, two, 'flush']);
  });

  it('waits for the earlier response of a pipelining client', async () => {
    let first!: ServerResponse;
    let second!: { writer: ResponseWriter; response: ServerResponse };
    const url = await serve((request, response) => {
      if (request.url === '/first') first = response;
      else {
        second = { writer: new ResponseWriter(request, response), response };
        second.writer.open({});
        second.writer.write(batchOf(FRAMES.slice(0, 2)));
      }
    });
    const client = await connect(url);
    client.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => second, 'both requests');
    expect(second.response.socket).toBeNull();
    expect(client.received).toBe('');
    first.end('the first answer');
    await client.receives(/the first answer[^]*text\/event-stream[^]*data: one[^]*🙂/);
    second.writer.write(batchOf(FRAMES.slice(0, 1)));
    await client.receives(/🙂[^]*data: one/);
    const written = watchSocket(second.response);
    second.writer.writeFrames(FRAMES.slice(0, 1));
    expect(written[0]).toBe(FRAMES[0]?.chunked);
  });

  it('closes a pipelined stream whose earlier response never ended', async () => {
    let closed = 0;
    let isGone!: () => boolean;
    const url = await serve((request, response) => {
      if (request.url !== '/second') return;
      const writer = new ResponseWriter(request, response);
      writer.attachCloseListener({ close: () => closed++ });
      isGone = () => writer.isGone;
    });
    const client = await connect(url);
    client.write('GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n');
    await eventually(() => isGone, 'both requests');
    expect(isGone()).toBe(false);
    client.reset();
    await eventually(() => closed > 0, 'the end');
    expect(isGone()).toBe(true);
  });
});

describe('a client that does not read', () => {
  it('is reported as full, and drains when it reads again', async () => {
    const { writer, client, response } = await open({ reading: false });
    const frame = new SseFrame(`data: ${'x'.repeat(65_536)}\n\n`);
    let written = 0;
    // Not until the first `false`: a large write returns it at once, and drains within the turn.
    for (; response.writableLength === 0; written++) writer.writeFrames([frame]);
    expect(writer.writeFrames([frame])).toBe(false);
    const drained = new Promise<void>((resolve) => writer.onceDrained(resolve));
    client.read();
    await within(drained, 'drain');
    expect(response.writableLength).toBe(0);
    writer.end(GRACE_MS, true);
    await client.ended();
    expect(client.received.split('data: ')).toHaveLength(written + 2);
  });

  it('is reported as full through the response too', async () => {
    const { writer, response: counted } = await open({
      reading: false,
      prepare: (response) => {
        const write = response.write.bind(response) as (chunk: Buffer) => boolean;
        response.write = (chunk: Buffer) => write(chunk);
      },
    });
    const frame = new SseFrame(`data: ${'x'.repeat(65_536)}\n\n`);
    while (counted.writableLength === 0) writer.write(batchOf([frame]));
    expect(writer.write(batchOf([frame]))).toBe(false);
    writer.destroy();
  });
});

describe('the end', () => {
  it('of the connection closes the listener as client-gone, until it is detached', async () => {
    const { writer, client } = await open();
    const reasons: string[] = [];
    writer.attachCloseListener({ close: (reason) => reasons.push(reason) });
    client.reset();
    await eventually(() => reasons.length > 0, 'client-gone');
    expect(reasons).toEqual(['client-gone']);
    expect([writer.isGone, writer.isDisconnected]).toEqual([true, true]);

    const other = await open();
    other.writer.attachCloseListener({ close: (reason) => reasons.push(reason) });
    other.writer.detachListeners();
    other.client.reset();
    await eventually(() => other.writer.isGone, 'the end');
    expect(reasons).toHaveLength(1);
  });

  it('by the application is complete, ends the connection, and may be repeated', async () => {
    const { writer, client } = await open();
    writer.write(batchOf(FRAMES));
    writer.end(GRACE_MS, true);
    writer.end(GRACE_MS, true);
    expect([writer.isGone, writer.isDisconnected]).toEqual([true, false]);
    await client.ended();
    expect(client.received.endsWith('\r\n0\r\n\r\n')).toBe(true);
    writer.end(GRACE_MS, true);
  });

  it('cut by the application has no last chunk', async () => {
    const { writer, client } = await open();
    writer.destroy();
    await client.ended();
    expect(client.received).not.toMatch(/\r\n0\r\n\r\n$/);
    expect(writer.isDisconnected).toBe(true);
  });

  it('cuts a client that does not read after the grace time', async () => {
    const { writer, client, response } = await open({ reading: false });
    while (response.writableLength === 0)
      writer.writeFrames([new SseFrame(`data: ${'x'.repeat(65_536)}\n\n`)]);
    const closed = writer.closed();
    writer.end(20, true);
    expect([writer.isGone, writer.isDisconnected]).toEqual([true, false]);
    await within(closed, 'the cut');
    expect(writer.isDisconnected).toBe(true);
    client.read();
    await client.ended();
    expect(client.received).not.toMatch(/\r\n0\r\n\r\n$/);
  });

  it('ignores later writes, without an error', async () => {
    const { writer } = await open({ version: '1.0' });
    writer.end(GRACE_MS, true);
    expect([writer.write(batchOf(FRAMES)), writer.writeFrames(FRAMES)]).toEqual([true, true]);
  });
});

describe('the head', () => {
  it('keeps headers set before, except those that contradict a stream', async () => {
    let client!: RawSocket;
    const url = await serve((request, response) => {
      response.setHeader('Content-Length', '5').setHeader('ETag', '"1"').setHeader('X-Custom', 'yes');
      new ResponseWriter(request, response).open(response.getHeaders());
    });
    client = await connect(url);
    client.get('/');
    await client.receives(/\r\n\r\n/);
    expect(client.received).toMatch(/^HTTP\/1.1 200 /);
    expect(client.received).toMatch(/x-custom: yes/i);
    expect(client.received).toMatch(/transfer-encoding: chunked/i);
    expect(client.received).not.toMatch(/content-length|etag/i);
  });
});

describe('over HTTP/2', () => {
  it('sends no connection-specific header, writes the bare bytes, and is cut with CANCEL', async () => {
    let served!: { writer: ResponseWriter; response: Http2ServerResponse };
    const server = createHttp2Server((request: Http2ServerRequest, response: Http2ServerResponse) => {
      served = { writer: new ResponseWriter(request, response), response };
      served.writer.open({ connection: 'keep-alive', 'Keep-Alive': 'timeout=5', 'x-custom': 'yes' });
      served.writer.write(batchOf(FRAMES.slice(0, 1)));
      served.writer.writeFrames(FRAMES.slice(1, 2));
    });
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const session = connectHttp2(`http://127.0.0.1:${portOf(server)}`);
    const stream = session.request({ ':path': '/' });
    stream.on('error', () => {});
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream', 'x-custom': 'yes' });
    expect(Object.keys(headers)).not.toContain('connection');
    let text = '';
    stream.setEncoding('utf8').on('data', (more: string) => (text += more));
    await eventually(() => text.includes('🙂'), 'both events');
    expect(text).toBe(`${FRAMES[0]?.bytes.toString()}${FRAMES[1]?.bytes.toString()}`);
    expect(served.writer.connection?.remotePort).toBe(session.socket.localPort);
    expect(served.writer.isGone).toBe(false);

    const closed: string[] = [];
    served.writer.attachCloseListener({ close: (reason) => closed.push(reason) });
    served.writer.destroy();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
    await eventually(() => closed.length > 0, 'the end');
    expect([served.writer.isGone, served.writer.isDisconnected]).toEqual([true, true]);
    served.writer.destroy();
    served.writer.end(GRACE_MS, true);
    session.destroy();
  });
});
