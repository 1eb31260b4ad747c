import { Controller, Get, Module } from '@nestjs/common';
import { SwaggerModule } from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { SseRoom } from 'nestjs-simple-sse';
import { defineEvents, typeOnly } from 'nestjs-simple-sse/contract';
import { describeStreams } from 'nestjs-simple-sse/openapi';
import { toJsonSchema } from '@valibot/to-json-schema';
import * as v from 'valibot';
import { express, platforms } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { describedShop } from './described-shop.js';
import {
  compiled,
  describedDocument,
  judgeOf,
  plainDocument,
  VERSIONS,
  type Content,
  type Described,
  type DescribedOperation,
} from './documents.js';

let running: RunningApp;

const streamOf = (operation: DescribedOperation | undefined): Content =>
  operation?.responses['200']?.content?.['text/event-stream'] ?? {};

const namesOf = (content: Content): string[] => {
  const { oneOf, anyOf = oneOf ?? [] } = (content.itemSchema ?? content.schema ?? {}) as Record<
    string,
    { $ref: string }[] | undefined
  >;
  return anyOf.map(({ $ref }) => $ref.replace('#/components/schemas/', ''));
};

const controlOf = (operation: DescribedOperation): string[] =>
  namesOf(streamOf(operation)).filter((name) => name.startsWith('Sse'));

const parametersOf = ({ parameters }: DescribedOperation): string[] =>
  parameters.map((each) => `${each.in} ${each.name}${each.required ? '!' : ''}`);

const create = () =>
  SwaggerModule.createDocument(running.app, { openapi: '3.0.0', info: { title: '', version: '' } });

describe.each(VERSIONS)('a document of OpenAPI %s', (version) => {
  let document: Described;
  afterAll(() => running.close());
  beforeAll(async () => {
    running = await express.start(describedShop());
    document = describedDocument(running.app, version);
  });

  it('is valid, has the described streams each time, and leaves no trace in the next plain one', async () => {
    const result = await new Validator().validate(
      structuredClone(document) as unknown as Record<string, unknown>,
    );
    expect(result).toMatchObject({ valid: true });
    expect(describedDocument(running.app, version)).toEqual(document);
    expect(JSON.stringify(plainDocument(running.app, version))).not.toMatch(
      /event-stream"?:\{"itemSchema|SseReady|x-nest/,
    );
  });

  it('says the events of each stream in the word of its version', () => {
    const [has, lacks] = version === '3.2.0' ? ['itemSchema', 'schema'] : ['schema', 'itemSchema'];
    const content = streamOf(document.paths['/orders/{id}/events']?.['get']);
    expect(content).toHaveProperty(has);
    expect(content).not.toHaveProperty(lacks);
    const data = (name: string): object =>
      (document.components.schemas[name] as { properties: { data: object } }).properties.data;
    const reference = { $ref: '#/components/schemas/OrdersIdPaid' };
    expect(data('OrdersIdPaidEvent')).toEqual(
      version === '3.0.0'
        ? reference
        : { type: 'string', contentMediaType: 'application/json', contentSchema: reference },
    );
    expect(data('ChatRoomMessageEvent')).toEqual({ $ref: '#/components/schemas/ChatRoomMessage' });
    expect(data('OrdersIdPlacedEvent')).toMatchObject({
      description: 'A string as it is, anything else as JSON.',
    });
  });

  it('changes nothing but the operations of streams', () => {
    const plain = plainDocument(running.app, version);
    for (const path of ['/plain/{id}', '/rooms', '/sse/publish'])
      expect(document.paths[path]).toEqual(plain.paths[path]);
    for (const [name, schema] of Object.entries(plain.components.schemas))
      expect(document.components.schemas[name]).toEqual(schema);
  });
});

describe('a described stream', () => {
  let document: Described;
  afterAll(() => running.close());
  const operation = (path: string, method = 'get'): DescribedOperation =>
    document.paths[path]?.[method] as DescribedOperation;
  beforeAll(async () => {
    running = await express.start(describedShop());
    document = describedDocument(running.app, '3.2.0');
  });

  it.each([
    ['/orders/{id}/events', ['OrdersId', 'OrdersAll', 'All']],
    ['/orders-of-all', ['OrdersAll', 'All']],
    ['/any', ['OrdersId', 'OrdersAll', 'ChatRoom', 'All']],
    ['/by-ticket', ['OrdersId', 'OrdersAll', 'ChatRoom', 'All']],
  ])('at %s has the events of the keys that its rooms fit: %j', (path, keys) => {
    const own = namesOf(streamOf(operation(path))).filter((name) => !name.startsWith('Sse'));
    const rooms = own.map((name) =>
      name.replace(/(Paid|Moved|Shipped|Packed|Sorted|Placed|Count|Message|Reacted|Notice)Event$/, ''),
    );
    expect([...new Set(rooms)]).toEqual(keys);
  });

  it('has the control events that it may send', () => {
    expect(controlOf(operation('/any'))).toEqual(['SseReadyEvent', 'SseGapEvent', 'SseFailedEvent']);
    expect(controlOf(operation('/pure'))).toEqual([]);
    expect(controlOf(operation('/answers/{id}', 'post'))).toEqual([
      'SseEvent',
      'SseReadyEvent',
      'SseGapEvent',
      'SseEndEvent',
    ]);
  });

  it('has the parameters that it reads', () => {
    const always = ['header Last-Event-ID', 'query lastEventId'];
    expect(parametersOf(operation('/orders/{id}/events'))).toEqual(['path id!', ...always, 'query session']);
    expect(parametersOf(operation('/by-ticket'))).toEqual([...always, 'query session', 'query ticket!']);
    expect(parametersOf(operation('/answers/{id}', 'post'))).toEqual(['path id!', ...always]);
  });

  it('keeps what the application has described itself', () => {
    expect(operation('/own')).toMatchObject({
      summary: 'of the application',
      'x-own': { kept: true },
      responses: {
        200: {
          description: 'of the application',
          content: { 'text/event-stream': { schema: { type: 'string' } } },
        },
      },
    });
    expect(operation('/own').parameters[0]).toMatchObject({ name: 'lastEventId', required: true });
  });
});

describe.each(platforms)('on $name', (platform) => {
  afterEach(() => running.close());

  it('every event that a client receives fits the documents of all versions, and a wrong one does not', async () => {
    running = await platform.start(describedShop());
    const stream = await running.listen('/orders/7/events');
    const chat = await running.listen('/own');
    const { sse } = running;
    await sse.broadcast('orders/7', 'paid', { amount: 7, paidAt: new Date(), currency: 'EUR' });
    await sse.broadcast('orders/7', 'paid', { amount: null, paidAt: new Date(), currency: 'EUR' });
    await sse.broadcast('orders/7', 'moved', [1, 2]);
    await sse.broadcast('orders/7', 'shipped', { carrier: 'bike', note: null });
    await sse.broadcast('orders/7', 'packed', { boxes: 2, by: null, at: new Date(), kind: 'gift' });
    await sse.broadcast('orders/7', 'sorted', { name: 'a', children: [{ name: 'b', children: [] }] });
    await sse.broadcast('orders/7', 'placed', { placedAt: new Date() });
    await sse.broadcast('*', 'notice', { text: 'Closing' });
    await sse.broadcast('chat/7', undefined, 'Hello');
    await sse.broadcast('chat/7', 'reacted', 7);
    const orders = [await stream.nextEvent({ control: true }), ...(await stream.nextEvents(8))];
    const messages = await chat.nextEvents(3);
    expect(messages.map(({ event }) => event)).toEqual(['notice', 'message', 'reacted']);
    for (const version of VERSIONS) {
      const { paths, ...rest } = describedDocument(running.app, version);
      const fits = judgeOf({ paths, ...rest }, streamOf(paths['/any']?.['get']));
      for (const event of [...orders, ...messages])
        expect([version, event, fits(event)]).toEqual([version, event, true]);
      for (const [event, data] of [
        ['paid', '{"amount":"7"}'],
        ['sorted', '{"name":"a","children":[{"name":1}]}'],
        ['packed', '{"boxes":0,"by":null,"at":""}'],
        ['notice', '{}'],
        ['payed', '{}'],
      ] as const)
        expect([version, event, fits({ event, data, id: '1' })]).toEqual([version, event, false]);
    }
  });

  it('each described refusal is the one that a request receives', async () => {
    running = await platform.start(describedShop({ limits: { maxStreamsPerAddress: 2 } }));
    const document = describedDocument(running.app, '3.1.0');
    const refused = async (
      path: string,
      url: string,
      status: number,
      init: RequestInit = {},
    ): Promise<void> => {
      const answer = await fetch(running.url + url, init);
      expect([url, answer.status]).toEqual([url, status]);
      const described = document.paths[path]?.[(init.method ?? 'get').toLowerCase()]?.responses[status];
      expect(described).toBeDefined();
      const schema = described?.content?.['application/json']?.schema;
      expect([url, schema === undefined]).toEqual([url, status === 204]);
      if (schema !== undefined) expect(compiled(document, schema)(await answer.json())).toBe(true);
      else await answer.text();
    };
    const cookie = {
      headers: { cookie: 'a=b', 'sec-fetch-site': 'cross-site', origin: 'https://other.example' },
    };
    await refused('/any', '/any?session=short', 400);
    await refused('/by-ticket', '/by-ticket', 401);
    await refused('/any', '/any', 403, cookie);
    await refused('/answers/{id}', '/answers/none', 404);
    const slow = await running.open('/answers/slow', { method: 'POST' });
    await slow.nextEvent();
    await refused('/answers/{id}', '/answers/slow', 409, { method: 'POST' });
    slow.close();
    const run = await running.open('/answers/7', { method: 'POST' });
    await run.ended;
    const last = run.events.at(-1)?.id ?? '';
    await refused('/answers/{id}', '/answers/7', 204, { headers: { 'last-event-id': last } });
    const open = [await running.listen('/any'), await running.listen('/any')];
    await refused('/any', '/any', 429);
    for (const stream of open) stream.close();
    await running.sse.drain();
    await refused('/any', '/any', 503);
  });
});

describe('describeStreams', () => {
  afterEach(() => running.close());

  @Controller()
  class Streams {
    @Get('a')
    @SseRoom('a')
    a(): void {}
  }

  it('describes streams without a contract by the fields of an event', async () => {
    running = await express.start(sseApp({ controllers: [Streams] }));
    const content = streamOf(describedDocument(running.app, '3.2.0').paths['/a']?.['get']);
    expect(namesOf(content)).toEqual(['SseEvent', 'SseReadyEvent', 'SseGapEvent', 'SseFailedEvent']);
  });

  it('names the joins and leaves of rooms with presence, and the limits and tickets that are on', async () => {
    const options = {
      identify: () => ({ user: 'ann' }),
      rooms: { a: { presence: true, presenceEvents: true } },
      tickets: { parameter: 'key' },
      sessions: false,
    } as const;
    running = await express.start(sseApp({ controllers: [Streams], options }));
    const operation = describedDocument(running.app, '3.1.0').paths['/a']?.['get'];
    expect(namesOf(streamOf(operation))).toEqual(expect.arrayContaining(['SseJoinEvent', 'SseLeaveEvent']));
    expect(operation?.parameters.map(({ name }) => name)).toEqual(['Last-Event-ID', 'lastEventId', 'key']);
    expect(Object.keys(operation?.responses ?? {})).toEqual(['200', '401', '403', '429', '503']);
  });

  it('refuses a schema without JSON Schema by its event and room, and takes one from the option', async () => {
    const events = defineEvents({ a: { shipped: v.object({ by: v.string() }) } });
    running = await express.start(sseApp({ controllers: [Streams], options: { events } }));
    expect(() => describeStreams(running.app, create)).toThrow(
      /event "shipped" of "a" cannot be described: schemas of "valibot" have no "~standard.jsonSchema".*toJsonSchema/,
    );
    const { components } = describedDocument(running.app, '3.1.0', {
      toJsonSchema: (schema, { target, event, room }) =>
        event === 'shipped' && room === 'a' ? toJsonSchema(schema as never, { target }) : undefined,
    });
    expect(components.schemas['AShipped']).toMatchObject({ properties: { by: { type: 'string' } } });
    const throwing = {
      toJsonSchema: () => {
        throw new Error('Broken.');
      },
    };
    expect(() => describeStreams(running.app, create, throwing)).toThrow(
      /cannot be described: Broken\. Return/,
    );
  });

  it('leaves no mark behind where the document cannot be created', async () => {
    running = await express.start(describedShop());
    expect(() =>
      describeStreams(running.app, () => {
        throw new Error('no document');
      }),
    ).toThrow('no document');
    expect(JSON.stringify(plainDocument(running.app, '3.1.0'))).not.toContain('x-nestjs-simple-sse');
  });

  it('keeps names that the application has given to its own components', async () => {
    const events = defineEvents({ a: { b: typeOnly<string>() }, 'a-b': { '': {} as never } });
    running = await express.start(
      sseApp({ controllers: [Streams], options: { events: defineEvents({ a: events['~rooms'].a }) } }),
    );
    const own = { type: 'string' } as const;
    const document = describeStreams(running.app, () => ({
      ...create(),
      components: { schemas: { SseEvent: own, ABEvent: own } },
    }));
    expect(document.components.schemas).toMatchObject({
      ABEvent: own,
      SseEvent: own,
      ABEvent2: { type: 'object' },
    });
  });

  it.each([
    ['Swagger 2', () => ({ openapi: '2.0', paths: {} })],
    ['a promise', () => Promise.resolve({ openapi: '3.1.0', paths: {} }) as never],
    ['nothing', () => undefined as never],
  ])('refuses %s as a document', async (_name, wrong) => {
    running = await express.start(sseApp({ controllers: [Streams] }));
    expect(() => describeStreams(running.app, wrong)).toThrow(
      /a function that returns an OpenAPI document of version 3/,
    );
  });

  it('refuses an application without SseModule, and an unknown option', async () => {
    running = await express.start(sseApp({ controllers: [Streams] }));
    expect(() => describeStreams(running.app, create, { toJsonSchemas: 1 } as never)).toThrow(
      /has no option "toJsonSchemas"\. Did you mean "toJsonSchema"\?/,
    );
    @Module({})
    class Other {}
    const { NestFactory } = await import('@nestjs/core');
    const other = await NestFactory.createApplicationContext(Other, { logger: false });
    expect(() => describeStreams(other, create)).toThrow(/no SseModule/);
    await other.close();
  });

  it('describes a method of a base class for all controllers that inherit it', async () => {
    class Base {
      @Get('events')
      @SseRoom('orders/:id')
      events(): void {}
    }
    @Controller('first/:id')
    @SseRoom('orders/all')
    class First extends Base {}
    @Controller('second/:id')
    class Second extends Base {}
    running = await express.start(sseApp({ controllers: [First, Second] }));
    const { paths } = describedDocument(running.app, '3.1.0');
    for (const path of ['/first/{id}/events', '/second/{id}/events']) {
      expect(paths[path]?.['get']?.summary).toBe('Events of orders/:id, orders/all');
      expect(streamOf(paths[path]?.['get'])).toHaveProperty('schema');
    }
  });
});
