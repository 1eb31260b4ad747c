import { createHmac } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Controller, Get, VersioningType, type INestApplication } from '@nestjs/common';
import { SseError, SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import {
  SseHttpApiModule,
  type SseHttpApiOptions,
  type SseHttpApiRouteOptions,
} from 'nestjs-simple-sse/http-api';
import { platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';

const keyNamed = (name: string): string => createHmac('sha256', 'a test').update(name).digest('hex');
const KEY = keyNamed('one');
const SECOND_KEY = keyNamed('two');
const ORDERS_KEY = keyNamed('orders');

@Controller()
class StreamController {
  @Get('stream')
  @SseRoom('orders/7')
  stream(): void {}

  @Get('all')
  @SseRoom()
  all(): void {}
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Record<string, unknown>;
}

type Options = SseHttpApiOptions & SseHttpApiRouteOptions;

interface Started {
  readonly options?: Options;
  readonly sse?: SseModuleOptions;
  readonly configure?: (app: INestApplication) => unknown;
}

describe.each(platforms)('publishing over HTTP, on $name,', (platform) => {
  let running: RunningApp;
  afterEach(() => running.close());

  const start = async ({ options = { keys: [KEY] }, sse, configure }: Started = {}): Promise<void> => {
    running = await platform.start(
      sseApp({
        controllers: [StreamController],
        imports: [SseHttpApiModule.forRoot(options)],
        ...(sse && { options: sse }),
      }),
      configure && { configure },
    );
  };

  const post = async (
    body: unknown,
    headers: Record<string, string> = {},
    path = '/sse/publish',
  ): Promise<Answer> => {
    const answer = await fetch(running.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}`, ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    });
    const text = await answer.text();
    return {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: (text.startsWith('{') ? JSON.parse(text) : { text }) as Record<string, unknown>,
    };
  };

  it('publishes one event, and answers 200 with its position, which is the id that clients receive', async () => {
    await start();
    const stream = await running.listen('/stream');
    const answer = await post({ rooms: ['orders/7', 'audit'], event: 'paid', data: { id: 7 } });
    const event = await stream.nextEvent();
    expect(event).toMatchObject({ event: 'paid', data: '{"id":7}' });
    expect(answer).toMatchObject({ status: 200, body: { position: event.id } });
  });

  it.each([
    ['a single room', { rooms: 'orders/7', data: 'text' }, 'text'],
    ['all clients', { rooms: '*', data: null }, 'null'],
    ['a name of null', { rooms: ['orders/7'], event: null, data: [1] }, '[1]'],
  ])('takes %s', async (_name, body, data) => {
    await start();
    const stream = await running.listen('/stream');
    expect((await post(body)).status).toBe(200);
    expect(await stream.nextEvent()).toMatchObject({ event: 'message', data });
  });

  it('takes a room with an asterisk where the application allows it, and refuses it elsewhere', async () => {
    await start({ sse: { allowAsteriskInRoomNames: true } });
    expect((await post({ rooms: ['orders/*'], data: 1 })).status).toBe(200);
    expect((await post({ rooms: ['orders/\n'], data: 1 })).status).toBe(400);
  });

  it('answers with the position null for a volatile event', async () => {
    await start();
    const stream = await running.listen('/stream');
    const answer = await post({ rooms: 'orders/7', data: 1, volatile: true });
    expect(answer).toMatchObject({ status: 200, body: { position: null } });
    expect((await stream.nextEvent()).data).toBe('1');
  });

  it('publishes a batch in its order, and answers with one position for each event', async () => {
    await start();
    const stream = await running.listen('/stream');
    const events = Array.from({ length: 100 }, (_, n) => ({ rooms: 'orders/7', data: n }));
    const answer = await post({ events });
    const received = await stream.nextEvents(100);
    expect(received.map(({ data }) => Number(data))).toEqual(events.map(({ data }) => data));
    expect(answer).toMatchObject({
      status: 200,
      body: { results: received.map(({ id }) => ({ position: id })) },
    });
  });

  it('counts events with one idempotency key once, in several requests and within one batch', async () => {
    await start();
    const event = { rooms: 'orders/7', data: 'once', idempotencyKey: 'paid-7' };
    const first = await post(event);
    const again = await post(event);
    const batch = await post({ events: [event, event, { rooms: 'orders/7', data: 'last' }] });
    expect(again.body).toEqual(first.body);
    expect(batch.body['results']).toMatchObject([first.body, first.body, {}]);
    const stream = await running.listen('/all');
    const [client] = running.sse.clients();
    await client?.join('orders/7', { replay: 10 });
    expect((await stream.nextEvents(2)).map(({ data }) => data)).toEqual(['once', 'last']);
  });

  it('leaves out the clients that `except` names by their id', async () => {
    await start();
    const sender = await running.listen('/stream');
    const [client] = running.sse.clients();
    const other = await running.listen('/stream');
    await post({ rooms: 'orders/7', data: 'for others', except: { client: client?.id } });
    await post({ rooms: 'orders/7', data: 'for all', except: [] });
    expect((await other.nextEvent()).data).toBe('for others');
    expect((await sender.nextEvent()).data).toBe('for all');
  });

  it('leaves out the users that `except` names', async () => {
    await start({
      sse: { identify: ({ request }) => ({ user: new URL((request as Request).url, 'http://x').search }) },
    });
    const sender = await running.listen('/stream?7');
    const other = await running.listen('/stream?8');
    await post({ rooms: 'orders/7', data: 'for others', except: [{ user: '?7' }] });
    await post({ rooms: 'orders/7', data: 'for all' });
    expect((await other.nextEvent()).data).toBe('for others');
    expect((await sender.nextEvent()).data).toBe('for all');
  });

  it.each<[string, unknown, string | undefined, string]>([
    ['no object', '[]', undefined, 'invalid-body'],
    ['no rooms', { data: 1 }, 'rooms', 'invalid-body'],
    ['no data', { rooms: 'a' }, 'data', 'invalid-body'],
    ['an empty list of rooms', { rooms: [], data: 1 }, 'rooms', 'invalid-body'],
    ['a room that is empty', { rooms: ['a', ''], data: 1 }, 'rooms[1]', 'invalid-room'],
    ['a pattern as a room', { rooms: 'a/*', data: 1 }, 'rooms', 'invalid-room'],
    ['a room of a missing value', { rooms: ['user/undefined'], data: 1 }, 'rooms[0]', 'invalid-room'],
    ['a room that is an object', { rooms: { length: 1 }, data: 1 }, 'rooms', 'invalid-room'],
    ['a control character in a room', { rooms: 'a\u0000', data: 1 }, 'rooms', 'invalid-room'],
    ['a line break in the name', { rooms: 'a', event: 'x\ny', data: 1 }, 'event', 'invalid-event-name'],
    ['a reserved name', { rooms: 'a', event: 'sse:ready', data: 1 }, 'event', 'invalid-event-name'],
    ['a name that is no string', { rooms: 'a', event: 1, data: 1 }, 'event', 'invalid-event-name'],
    ['volatile that is no boolean', { rooms: 'a', data: 1, volatile: 'yes' }, 'volatile', 'invalid-body'],
    ['an empty key', { rooms: 'a', data: 1, idempotencyKey: '' }, 'idempotencyKey', 'invalid-body'],
    [
      'a long key',
      { rooms: 'a', data: 1, idempotencyKey: 'k'.repeat(256) },
      'idempotencyKey',
      'invalid-body',
    ],
    [
      'the id of a client that names a user',
      { rooms: 'a', data: 1, except: { client: 'user:7' } },
      'except',
      'invalid-arguments',
    ],
    ['an exclusion of nothing', { rooms: 'a', data: 1, except: {} }, 'except', 'invalid-arguments'],
    [
      'a user without `identify`',
      { rooms: 'a', data: 1, except: { user: 7 } },
      'except',
      'invalid-arguments',
    ],
    ['no replicas', { rooms: 'a', data: 1, acknowledge: {} }, 'acknowledge', 'invalid-body'],
    [
      'replicas that the broker lacks',
      { rooms: 'a', data: 1, acknowledge: { replicas: 1, timeoutMs: 1 } },
      'acknowledge',
      'unsupported-by-broker',
    ],
    ['an unknown field', { rooms: 'a', data: 1, dta: 2 }, 'dta', 'invalid-body'],
    ['no list of events', { events: {} }, 'events', 'invalid-body'],
    ['an empty batch', { events: [] }, 'events', 'invalid-body'],
    ['a field beside the events', { events: [{ rooms: 'a', data: 1 }], rooms: 'b' }, 'rooms', 'invalid-body'],
    ['an event of a batch that is no object', { events: [1] }, 'events[0]', 'invalid-body'],
    [
      'the third event of a batch',
      {
        events: [
          { rooms: 'a', data: 1 },
          { rooms: 'a', data: 1 },
          { rooms: ['a', 'b\n'], data: 1 },
        ],
      },
      'events[2].rooms[1]',
      'invalid-room',
    ],
  ])('refuses %s with 400 that names the field, and publishes nothing', async (_name, body, field, code) => {
    await start();
    const before = await running.sse.position();
    const answer = await post(body);
    expect(answer).toMatchObject({ status: 400, body: { statusCode: 400, error: 'Bad Request', code } });
    expect(answer.body['field']).toBe(field);
    expect(answer.body['message']).toMatch(/[.?]$/);
    expect(await running.sse.position()).toBe(before);
  });

  it.each([
    ['__proto__', '{"rooms":"a","data":1,"__proto__":{"volatile":true}}'],
    ['constructor', '{"rooms":"a","data":1,"constructor":{"prototype":{"volatile":true}}}'],
    ['hasOwnProperty', '{"rooms":"a","data":1,"hasOwnProperty":1}'],
  ])('refuses the field %s with 400, and changes no prototype', async (_name, body) => {
    await start();
    expect((await post(body)).status).toBe(400);
    expect(({} as Record<string, unknown>)['volatile']).toBeUndefined();
  });

  it('takes a field named __proto__ from no prototype: it is never merged into an option', async () => {
    await start();
    const answer = await post('{"rooms":"orders/7","data":{"constructor":1}}');
    expect(answer.status).toBe(200);
  });

  it.each(['{"rooms":', 'null', '"text"', '', '\u0000'])('refuses the body %j with 400', async (body) => {
    await start();
    expect((await post(body)).status).toBe(400);
  });

  it.each([10_000, 49_000])('answers %d nested lists with 200 or 400, and goes on', async (depth) => {
    await start();
    const nested = '['.repeat(depth) + ']'.repeat(depth);
    const answer = await post(`{"rooms":"orders/7","data":${nested}}`);
    expect([200, 400]).toContain(answer.status);
    expect((await post({ rooms: 'a', data: 1 })).status).toBe(200);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/octet-stream',
  ])('refuses a body of the type %s with 415', async (type) => {
    await start();
    const answer = await post('{"rooms":"orders/7","data":1}', { 'content-type': type });
    expect(answer.status).toBe(415);
  });

  it('takes `application/json` with a charset, and in any case', async () => {
    await start();
    const answer = await post({ rooms: 'a', data: 1 }, { 'content-type': 'Application/JSON; charset=utf-8' });
    expect(answer.status).toBe(200);
  });

  it.each([
    ['none', undefined, 'Bearer'],
    ['another scheme', `Basic ${KEY}`, 'Bearer error="invalid_token"'],
    ['an empty one', 'Bearer ', 'Bearer error="invalid_token"'],
    ['a wrong one', `Bearer ${keyNamed('wrong')}`, 'Bearer error="invalid_token"'],
    ['the beginning of one', `Bearer ${KEY.slice(0, -1)}`, 'Bearer error="invalid_token"'],
    ['one with more behind it', `Bearer ${KEY}0`, 'Bearer error="invalid_token"'],
    ['one in capitals', `Bearer ${KEY.toUpperCase()}`, 'Bearer error="invalid_token"'],
    ['two of them', `Bearer ${KEY}, Bearer ${KEY}`, 'Bearer error="invalid_token"'],
    ['one of 8 KB', `Bearer ${'k'.repeat(8_000)}`, 'Bearer error="invalid_token"'],
  ])(
    'refuses a request with %s as its key with 401 and a challenge',
    async (_name, authorization, challenge) => {
      await start();
      const before = await running.sse.position();
      const answer = await fetch(`${running.url}/sse/publish`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(authorization !== undefined && { authorization }),
        },
        body: JSON.stringify({ rooms: 'a', data: 1 }),
      });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe(challenge);
      const text = await answer.text();
      expect(JSON.parse(text)).toMatchObject({ code: 'unauthorized' });
      expect(text).not.toContain(KEY.slice(0, 16));
      expect(await running.sse.position()).toBe(before);
    },
  );

  it.each(['key', 'access_token', 'token', 'API_KEY'])(
    'refuses a key in the query parameter %s: with 401 alone, with 400 beside the header',
    async (name) => {
      await start();
      const path = `/sse/publish?${name}=${KEY}`;
      const event = { rooms: 'a', data: 1 };
      const alone = await fetch(running.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(event),
      });
      expect(alone.status).toBe(401);
      expect(await alone.text()).toContain('URLs are logged');
      expect(await post(event, {}, path)).toMatchObject({ status: 400, body: { code: 'key-in-query' } });
      expect((await post(event, {}, '/sse/publish?source=shop')).status).toBe(200);
    },
  );

  it('accepts each of several keys, so that a key can be replaced', async () => {
    await start({ options: { keys: [KEY, { key: SECOND_KEY }] } });
    for (const key of [KEY, SECOND_KEY]) {
      const answer = await post({ rooms: 'a', data: 1 }, { authorization: `bearer ${key}` });
      expect(answer.status).toBe(200);
    }
  });

  it('refuses a room that the key may not publish to with 403, and publishes nothing of the batch', async () => {
    await start({ options: { keys: [KEY, { key: ORDERS_KEY, rooms: ['orders/*', 'audit'] }] } });
    const authorization = `Bearer ${ORDERS_KEY}`;
    const send = (rooms: unknown): Promise<Answer> => post({ rooms, data: 1 }, { authorization });
    expect((await send(['orders/7', 'audit'])).status).toBe(200);
    const before = await running.sse.position();
    for (const rooms of ['users/7', '*', ['orders/7', 'users/7'], 'audit/7', 'orders']) {
      expect(await send(rooms)).toMatchObject({
        status: 403,
        body: { code: 'room-not-allowed', field: 'rooms' },
      });
    }
    const batch = {
      events: [
        { rooms: 'audit', data: 1 },
        { rooms: 'users/7', data: 1 },
      ],
    };
    expect(await post(batch, { authorization })).toMatchObject({
      status: 403,
      body: { code: 'room-not-allowed', field: 'events[1].rooms' },
    });
    expect(await running.sse.position()).toBe(before);
    expect((await post({ rooms: 'users/7', data: 1 })).status).toBe(200);
  });

  it('refuses more bytes than `maxBodyBytes` with 413: declared, in chunks, and compressed', async () => {
    await start({ options: { keys: [KEY], maxBodyBytes: 200 } });
    const body = JSON.stringify({ rooms: 'a', data: 'x'.repeat(200) });
    expect(await post(body)).toMatchObject({ status: 413, body: { code: 'body-too-large' } });
    const chunked = await requestInChunks(running.url, body);
    expect(chunked).toBe(413);
    if (platform.framework === 'express') {
      expect((await post(gzipSync(body), { 'content-encoding': 'gzip' })).status).toBe(413);
    }
    expect((await post({ rooms: 'a', data: 1 })).status).toBe(200);
  });

  it('refuses a body over the limit of the platform with 413, and goes on', async () => {
    await start();
    expect((await post({ rooms: 'a', data: 'x'.repeat(2_000_000) })).status).toBe(413);
    expect((await post({ rooms: 'a', data: 1 })).status).toBe(200);
  });

  it('refuses more events than `maxBatch` with 413, and data over `maxEventBytes`', async () => {
    await start({ options: { keys: [KEY], maxBatch: 2 }, sse: { limits: { maxEventBytes: 10 } } });
    const event = { rooms: 'a', data: 1 };
    expect((await post({ events: [event, event] })).status).toBe(200);
    expect(await post({ events: [event, event, event] })).toMatchObject({
      status: 413,
      body: { code: 'batch-too-large', field: 'events' },
    });
    expect(await post({ events: [event, { rooms: 'a', data: 'x'.repeat(11) }] })).toMatchObject({
      status: 413,
      body: { code: 'event-too-large', field: 'events[1].data' },
    });
  });

  it('refuses more rooms than `maxRooms` in a request with 413, and publishes none of it', async () => {
    await start({ options: { keys: [KEY], maxRooms: 3 } });
    const answer = { status: 413, body: { code: 'rooms-too-many' } };
    expect((await post({ rooms: ['a', 'b', 'c'], data: 1 })).status).toBe(200);
    expect(await post({ rooms: ['a', 'b', 'c', 'd'], data: 1 })).toMatchObject(answer);
    const event = { rooms: ['a', 'b'], data: 1 };
    expect(await post({ events: [event, event] })).toMatchObject(answer);
    expect((await post({ events: [event, { rooms: 'a', data: 1 }] })).status).toBe(200);
  });

  it('refuses 20,000 rooms by default, before it looks at one', async () => {
    await start();
    const rooms = Array.from({ length: 20_000 }, () => '');
    expect(await post({ rooms, data: 1 })).toMatchObject({
      status: 413,
      body: { code: 'rooms-too-many', field: 'rooms' },
    });
  });

  it('lets a key for some rooms use up no idempotency key of others', async () => {
    await start({ options: { keys: [KEY, { key: ORDERS_KEY, rooms: ['orders/*'] }] } });
    const authorization = `Bearer ${ORDERS_KEY}`;
    const idempotencyKey = 'paid-7';
    const limited = await post({ rooms: 'orders/7', data: 1, idempotencyKey }, { authorization });
    const other = await post({ rooms: 'billing', data: 2, idempotencyKey });
    expect([limited.status, other.status]).toEqual([200, 200]);
    expect(other.body).not.toEqual(limited.body);
    // Each counts its own events once.
    expect((await post({ rooms: 'billing', data: 2, idempotencyKey })).body).toEqual(other.body);
    const again = await post({ rooms: 'orders/7', data: 1, idempotencyKey }, { authorization });
    expect(again.body).toEqual(limited.body);
  });

  it.each(['broker-unavailable', 'broker-closed'] as const)(
    'answers 503 with Retry-After when the broker answers %s',
    async (code) => {
      const broker = new WrappedMemoryBroker();
      await start({ sse: { broker } });
      broker.publish = () => Promise.reject(new SseError(code, 'Redis is away. Retry.'));
      const answer = await post({ rooms: 'a', data: 1 });
      expect(answer).toMatchObject({ status: 503, body: { statusCode: 503, code } });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      const batch = await post({ events: [{ rooms: 'a', data: 1 }] });
      expect(batch).toMatchObject({ status: 503, body: { results: [{ error: { statusCode: 503, code } }] } });
      expect(Number(batch.headers['retry-after'])).toBeGreaterThan(0);
    },
  );

  it('answers a batch of which some events fail with 207, with one result for each in its order', async () => {
    const broker = new WrappedMemoryBroker();
    await start({ sse: { broker } });
    const publish = broker.publish.bind(broker);
    broker.publish = (rooms, ...rest) =>
      rooms.includes('bad')
        ? Promise.reject(new SseError('broker-unavailable', 'Redis is away. Retry.'))
        : publish(rooms, ...rest);
    const events = ['good', 'bad', 'good'].map((rooms) => ({ rooms, data: 1 }));
    const answer = await post({ events });
    expect(answer).toMatchObject({
      status: 207,
      body: {
        results: [
          { position: expect.any(String) as string },
          { error: { statusCode: 503, code: 'broker-unavailable' } },
          { position: expect.any(String) as string },
        ],
      },
    });
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('answers an unexpected failure of the broker with 500, logs it, and tells the client nothing of it', async () => {
    const broker = new WrappedMemoryBroker();
    await start({ sse: { broker } });
    broker.publish = () => Promise.reject(new Error('a secret'));
    const answer = await post({ rooms: 'a', data: 1 });
    expect(answer).toMatchObject({ status: 500, body: { code: 'internal-error' } });
    expect(JSON.stringify(answer.body)).not.toContain('secret');
    expect(running.logger.complaints.map(({ text }) => text).join()).toContain('a secret');
  });

  it('has its route below the global prefix, a path and a version', async () => {
    await start({
      options: { keys: [KEY], path: 'events/in', version: '2' },
      configure: (app) => app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    });
    expect((await post({ rooms: 'a', data: 1 }, {}, '/api/v2/events/in/publish')).status).toBe(200);
    expect((await post({ rooms: 'a', data: 1 }, {}, '/sse/publish')).status).toBe(404);
  });

  it('answers a CORS preflight as the application does, and refusals have the headers of CORS', async () => {
    await start({ configure: (app) => app.enableCors({ origin: 'https://shop.example' }) });
    const preflight = await fetch(`${running.url}/sse/publish`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization, content-type',
      },
    });
    expect(preflight.status).toBe(204);
    const answer = await post({}, { origin: 'https://shop.example' });
    expect(answer.status).toBe(400);
    expect(answer.headers['access-control-allow-origin']).toBe('https://shop.example');
  });

  it('answers other methods with 404', async () => {
    await start();
    const answer = await fetch(`${running.url}/sse/publish`, { headers: { authorization: `Bearer ${KEY}` } });
    expect(answer.status).toBe(404);
  });
});

/** Sends a body without its length. */
async function requestInChunks(url: string, body: string): Promise<number> {
  const answer = await fetch(`${url}/sse/publish`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: new Blob([body]).stream(),
    // Needed by Node's `fetch` for a stream.
    ...({ duplex: 'half' } as object),
  });
  return answer.status;
}
