import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import { defineEvents, typeOnly } from 'nestjs-simple-sse/contract';
import { createAsyncApi, type AsyncApiDocument } from 'nestjs-simple-sse/openapi';
import { z } from 'zod';
import { events } from './described-shop.js';

const info = { title: 'Shop', version: '1.0.0' };
const schemaOfAsyncApi = createRequire(import.meta.url)(
  '@asyncapi/specs/schemas/3.0.0-without-$id.json',
) as object;

const described = (document: AsyncApiDocument): unknown => JSON.parse(JSON.stringify(document));

describe('an AsyncAPI document', () => {
  const document = createAsyncApi(events, {
    info,
    servers: { production: { host: 'shop.example', protocol: 'https' } },
  });

  it('is valid, by the JSON Schema of AsyncAPI 3.0', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const isValid = ajv.compile(schemaOfAsyncApi);
    expect([isValid(described(document)), isValid.errors]).toEqual([true, null]);
    expect(isValid({ ...(described(document) as object), channels: { a: { addres: 'a' } } })).toBe(false);
  });

  it('has a channel for each key, and a message for each event, with its media type', () => {
    expect(document.channels).toMatchObject({
      OrdersId: {
        address: 'orders/{id}',
        parameters: { id: {} },
        messages: {
          Paid: {
            name: 'paid',
            contentType: 'application/json',
            payload: { $ref: '#/components/schemas/OrdersIdPaid' },
          },
          Placed: { name: 'placed' },
        },
      },
      ChatRoom: { messages: { Message: { contentType: 'text/plain' }, Reacted: { name: 'reacted' } } },
      All: { address: '*', description: 'All clients.' },
    });
    expect(document.operations['sendOrdersId']).toEqual({
      action: 'send',
      channel: { $ref: '#/channels/OrdersId' },
    });
    expect(Object.keys(document.operations)).toHaveLength(Object.keys(document.channels).length);
  });

  it('has a place for each reference, and payloads that fit the data of events alone', () => {
    const references = Array.from(JSON.stringify(document).matchAll(/"#([^"]+)"/g), ([, path = '']) => path);
    for (const path of new Set(references)) {
      const steps = path.slice(1).split('/');
      const place = steps.reduce(
        (at, step) => (at as Record<string, unknown> | undefined)?.[step],
        described(document),
      );
      expect([path, place]).toEqual([path, expect.any(Object)]);
    }
    const schema = { ...document.components.schemas['OrdersIdSorted'], components: document.components };
    const fits = new Ajv({ strict: false }).compile(schema);
    expect(fits({ name: 'a', children: [{ name: 'b', children: [] }] })).toBe(true);
    expect(fits({ name: 'a', children: [{ name: 1, children: [] }] })).toBe(false);
  });

  it('tells keys and events apart whose names have the same letters', () => {
    const data = typeOnly<string>();
    const { channels } = createAsyncApi(
      defineEvents({ 'a-b': { x: data, X: data }, 'a/b': { 'ж!': data } }),
      { info },
    );
    expect(Object.keys(channels)).toEqual(['AB', 'AB2']);
    expect(channels['AB']).toMatchObject({ messages: { X: { name: 'x' }, X2: { name: 'X' } } });
    expect(channels['AB2']).toMatchObject({ messages: { u416: { name: 'ж!' } } });
  });
});

describe('createAsyncApi', () => {
  it.each([
    [[{}, { info }], /takes what defineEvents\(\) returned/],
    [[defineEvents({ 'a/{id}': {} }), { info }], /"a\/\{id\}"/],
    [[events, undefined], /needs the option "info"/],
    [
      [events, { info: { title: 'Shop' } }],
      /"info" of createAsyncApi\(\) is an object with the texts title and version/,
    ],
    [[events, { info, servers: [] }], /"servers" .* is an object of servers by name/],
    [[events, { info, server: {} }], /no option "server"\. Did you mean "servers"/],
    [[events, { info, toJsonSchema: true }], /"toJsonSchema" .* is a function/],
    [
      [events, { info, toJsonSchema: () => 7 }],
      /"paid" of "orders\/:id" cannot be described: its JSON Schema is 7/,
    ],
  ])('refuses %j', (args, message) => {
    expect(() => createAsyncApi(...(args as unknown as Parameters<typeof createAsyncApi>))).toThrow(message);
  });

  it('takes definitions of a schema out of it', () => {
    const item = z.object({ sku: z.string() }).meta({ id: 'Item~/1' });
    const contract = defineEvents({ a: { b: z.object({ first: item, second: item }) } });
    expect(createAsyncApi(contract, { info }).components.schemas).toMatchObject({
      AB: { properties: { first: { $ref: '#/components/schemas/AB.Itemu7eu2f1' } } },
      'AB.Itemu7eu2f1': { properties: { sku: { type: 'string' } } },
    });
  });
});
