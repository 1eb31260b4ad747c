import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { portOf } from '../../../test/support/port-of.js';
import { RawSocket } from '../../../test/support/raw-socket.js';
import { eventually } from '../../../test/support/within.js';
import { releaseHead } from './release-head.js';

interface Released {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const clients: RawSocket[] = [];
let server: Server;

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** Opens as many responses as there are lists of headers, and releases their heads. */
async function release(
  heads: readonly Record<string, string | string[]>[],
  prepare: (exchange: Released) => void = () => {},
): Promise<Released[]> {
  const exchanges: Released[] = [];
  server = createServer((request, response) => {
    for (const [name, value] of Object.entries(heads[exchanges.length] ?? {}))
      response.setHeader(name, value);
    prepare({ request, response });
    response.writeHead(200).flushHeaders();
    releaseHead(response);
    exchanges.push({ request, response });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  for (const _ of heads) {
    const client = await RawSocket.connect(`http://127.0.0.1:${portOf(server)}`);
    clients.push(client);
    client.get('/', ['User-Agent: a browser']);
    await client.receives(/\r\n\r\n/);
  }
  return exchanges;
}

function tableOf({ response }: Released): unknown {
  const property = Object.getOwnPropertySymbols(response).find(
    ({ description }) => description === 'kOutHeaders',
  );
  return (response as unknown as Record<symbol, unknown>)[property as symbol];
}

/** The method of another library. */
const own = function on(this: NodeJS.EventEmitter): NodeJS.EventEmitter {
  return this;
};

const methodOf = ({ request }: Released, name: string): unknown => Reflect.get(request.socket, name);

const counterOf = ({ response }: Released): unknown => Reflect.get(response, '_onPendingData');

const textOf = ({ response }: Released): unknown => Reflect.get(response, '_header');

describe('the released head', () => {
  it('has a short text, and one table for responses with the same headers', async () => {
    const same = { 'X-A': '1', 'X-B': '2' };
    const [a, b, c, d] = (await release([same, same, { ...same, 'X-B': '3' }, { 'X-A': '1' }])) as [
      Released,
      Released,
      Released,
      Released,
    ];
    expect([a, b, c, d].map(textOf)).toEqual(Array.from({ length: 4 }, () => 'HTTP/1.1 200 OK\r\n\r\n'));
    expect(tableOf(b)).toBe(tableOf(a));
    expect([c, d].map(({ response }) => ({ ...response.getHeaders() }))).toEqual([
      { 'x-a': '1', 'x-b': '3' },
      { 'x-a': '1' },
    ]);
  });

  it('keeps lists of values, which an application may change, with their response', async () => {
    const [a, b] = (await release([{ 'Set-Cookie': ['a'] }, { 'Set-Cookie': ['a'] }])) as [
      Released,
      Released,
    ];
    (a.response.getHeader('set-cookie') as string[]).push('b');
    expect(b.response.getHeader('set-cookie')).toEqual(['a']);
  });

  it('is not released while a middleware holds it back', async () => {
    const [a] = (await release([{ 'X-A': '1' }], ({ response }) => {
      response.flushHeaders = () => void setImmediate(() => response.write('later'));
    })) as [Released];
    expect(textOf(a)).toMatch(/x-a: 1/i);
    expect(clients[0]?.received).toMatch(/x-a: 1/i);
    expect(a.request.rawHeaders).not.toEqual([]);
  });
});

describe('the methods of a socket', () => {
  it('are those of the first one, unless another library has replaced them', async () => {
    let count = 0;
    const [a, b, c] = (await release([{}, {}, {}], ({ request }) => {
      if (++count === 3) request.socket.on = own as never;
    })) as [Released, Released, Released];
    expect(methodOf(b, 'on')).toBe(methodOf(a, 'on'));
    expect(methodOf(b, 'prependListener')).toBe(methodOf(a, 'prependListener'));
    expect(methodOf(c, 'on')).toBe(own);
    expect(methodOf(c, 'addListener')).not.toBe(methodOf(a, 'addListener'));
  });
});

describe('what Node keeps for requests', () => {
  it('is shared, and the trailers of a body that ends later are those of its request', async () => {
    const exchanges: Released[] = [];
    server = createServer((request, response) => {
      request.resume();
      response.writeHead(200).flushHeaders();
      releaseHead(response);
      exchanges.push({ request, response });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    for (const number of [1, 2]) {
      const client = await RawSocket.connect(`http://127.0.0.1:${portOf(server)}`);
      clients.push(client);
      client.write(
        'POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n',
      );
      await client.receives(/\r\n\r\n/);
      if (number === 1) client.write('0\r\nX-Sum: 1\r\n\r\n');
    }
    const [first, second] = exchanges as [Released, Released];
    await eventually(() => first.request.complete, 'the end of the body');
    expect(first.request.rawTrailers).toEqual(['X-Sum', '1']);
    expect(first.request.trailers).toEqual({ 'x-sum': '1' });
    expect([second.request.rawTrailers, { ...second.request.trailers }]).toEqual([[], {}]);
    expect([first, second].map(({ request }) => request.httpVersion)).toEqual(['1.1', '1.1']);
    expect(counterOf(second)).toBe(counterOf(first));
  });

  it('counts waiting bytes until the turn of a pipelined response, and no longer', async () => {
    const exchanges: Released[] = [];
    server = createServer((request, response) => {
      response.writeHead(200).flushHeaders();
      releaseHead(response);
      exchanges.push({ request, response });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const client = await RawSocket.connect(`http://127.0.0.1:${portOf(server)}`);
    clients.push(client);
    client.get('/first');
    client.get('/second');
    await eventually(() => exchanges.length === 2, 'both requests');
    const [first, second] = exchanges as [Released, Released];
    expect(counterOf(first)).not.toBe(counterOf(second));
    second.response.end('the second');
    first.response.end('the first');
    await client.receives(/the first[^]*the second/);
  });
});
