import { readFileSync } from 'node:fs';
import {
  ApiBearerAuth,
  ApiBody,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  DocumentBuilder,
  SwaggerModule,
  type OpenAPIObject,
} from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv, type ValidateFunction } from 'ajv';
import { SseError } from 'nestjs-simple-sse';
import { SseHttpApiModule } from 'nestjs-simple-sse/http-api';
import { express } from '../support/platforms.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';

const FILE = 'docs/http-api.openapi.json';
const KEY = 'k'.repeat(32);

let running: RunningApp;
const broker = new WrappedMemoryBroker();
beforeAll(async () => {
  running = await express.start(
    sseApp({ imports: [SseHttpApiModule.forRoot({ keys: [KEY], maxBatch: 3 })], options: { broker } }),
  );
});
afterAll(() => running.close());

function describedByNest(): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Publishing over HTTP')
    .setVersion('1')
    .addBearerAuth()
    .build();
  return JSON.parse(JSON.stringify(SwaggerModule.createDocument(running.app, config))) as OpenAPIObject;
}

/** Compiles a schema of OpenAPI 3.0, in which `nullable` beside no type means nothing to JSON Schema. */
function compiled(schema: unknown): ValidateFunction {
  const text = JSON.stringify(schema, (key, value: unknown) => (key === 'example' ? undefined : value));
  const parsed = JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || !('nullable' in value)) return value;
    const { nullable: _, type, ...rest } = value as { nullable: true; type?: string };
    return { ...rest, ...(type !== undefined && { type: [type, 'null'] }) };
  }) as object;
  return new Ajv({ strict: false, allErrors: true }).compile(parsed);
}

interface Operation {
  readonly requestBody: { readonly content: { readonly 'application/json': { readonly schema: unknown } } };
  readonly responses: Readonly<
    Record<string, { readonly content: { readonly 'application/json': { readonly schema: unknown } } }>
  >;
}

const operation = (): Operation => describedByNest().paths['/sse/publish']?.post as unknown as Operation;

describe('the OpenAPI description of the HTTP API', () => {
  it('uses the metadata that the decorators of @nestjs/swagger define, by the same names', () => {
    class Decorated {
      @ApiBearerAuth()
      @ApiBody({ schema: {} })
      @ApiOkResponse({ schema: {} })
      @ApiOperation({})
      @ApiTags('sse')
      publish(): void {}
    }
    // oxlint-disable-next-line typescript/unbound-method -- its metadata is read
    const defined = Reflect.getMetadataKeys(Decorated.prototype.publish) as string[];
    const named = readFileSync('src/http-api/open-api.ts', 'utf8').match(/swagger\/\w+/g) ?? [];
    expect(named.toSorted()).toEqual(defined.filter((key) => key.startsWith('swagger/')).toSorted());
  });

  it('is part of the document of an application with @nestjs/swagger, and the same as the file in docs', () => {
    expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(describedByNest());
  });

  it('is valid', async () => {
    const { valid, errors } = await new Validator().validate(
      JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, unknown>,
    );
    expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  });

  it('is read twice without a change', () => {
    expect(describedByNest()).toEqual(describedByNest());
  });

  const good = { rooms: 'orders/7', data: 1 };
  const cases: readonly (readonly [number, unknown])[] = [
    [200, good],
    [
      200,
      { rooms: ['a', 7], event: 'paid', data: null, volatile: true, idempotencyKey: 'k', acknowledge: false },
    ],
    [200, { rooms: 'a', data: {}, except: [{ client: 'abc' }] }],
    [200, { events: [good, good] }],
    [207, { events: [good, { rooms: 'bad', data: 1 }] }],
    [503, { rooms: 'bad', data: 1 }],
    [503, { events: [{ rooms: 'bad', data: 1 }] }],
    [400, { rooms: [], data: 1 }],
    [400, { rooms: 'a' }],
    [400, { rooms: 'a', data: 1, volatile: 'yes' }],
    [400, { rooms: 'a', data: 1, other: 1 }],
    [400, { rooms: 'a', data: 1, except: { usr: 7 } }],
    [400, { events: [] }],
    [413, { events: [good, good, good, good] }],
  ];

  it.each(cases)('describes the answer %d to %j, and whether its body is allowed', async (status, body) => {
    const publish = broker.publish.bind(broker);
    broker.publish = (rooms, ...rest) =>
      rooms.includes('bad')
        ? Promise.reject(new SseError('broker-unavailable', 'Redis is away.'))
        : publish(rooms, ...rest);
    const { requestBody, responses } = operation();
    const answer = await fetch(`${running.url}/sse/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
      body: JSON.stringify(body),
    });
    expect(answer.status).toBe(status);
    const isValid = compiled(responses[status]?.content['application/json'].schema);
    expect([isValid(await answer.json()), isValid.errors]).toEqual([true, null]);
    expect(compiled(requestBody.content['application/json'].schema)(body)).toBe(status !== 400);
    broker.publish = publish;
  });

  it('describes the answer to a request without a key', async () => {
    const answer = await fetch(`${running.url}/sse/publish`, { method: 'POST' });
    const isValid = compiled(operation().responses['401']?.content['application/json'].schema);
    expect([answer.status, isValid(await answer.json())]).toEqual([401, true]);
  });
});
