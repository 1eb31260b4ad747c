import { RETRY_AFTER_SECONDS } from './publish-failure.js';

/** Name of the security scheme: the default one of `DocumentBuilder.addBearerAuth()`. */
const BEARER = 'bearer';

const ROOM = { oneOf: [{ type: 'string', minLength: 1, maxLength: 255 }, { type: 'number' }] };
const EXCLUDED = {
  oneOf: [
    {
      type: 'object',
      required: ['client'],
      additionalProperties: false,
      properties: { client: { type: 'string', description: 'Id of a client, from its `sse:ready`.' } },
    },
    {
      type: 'object',
      required: ['user'],
      additionalProperties: false,
      properties: { user: { oneOf: [{ type: 'string' }, { type: 'number' }] } },
    },
  ],
};

const EVENT = {
  type: 'object',
  required: ['rooms', 'data'],
  additionalProperties: false,
  properties: {
    rooms: {
      description:
        'A room, or several: a client in more than one of them receives the event once. "*" is all clients.',
      anyOf: [...ROOM.oneOf, { type: 'array', minItems: 1, items: ROOM }],
      example: ['orders/7'],
    },
    event: { type: 'string', nullable: true, description: 'Name of the event.', example: 'paid' },
    data: { nullable: true, description: 'Any JSON value. A string is sent as it is.', example: { id: 7 } },
    except: {
      description: 'Clients and users that do not receive the event.',
      anyOf: [...EXCLUDED.oneOf, { type: 'array', items: EXCLUDED }],
    },
    volatile: {
      type: 'boolean',
      description: 'True for an event that is not stored, since only the newest value matters.',
    },
    idempotencyKey: {
      type: 'string',
      minLength: 1,
      maxLength: 255,
      description: 'Events with one key count once within two minutes, on all nodes.',
    },
    acknowledge: {
      description: 'Waits until replicas of Redis have the event.',
      anyOf: [
        { type: 'boolean', enum: [false] },
        {
          type: 'object',
          required: ['replicas', 'timeoutMs'],
          additionalProperties: false,
          properties: {
            replicas: { type: 'integer', minimum: 1, maximum: 1000 },
            timeoutMs: { type: 'integer', minimum: 1 },
          },
        },
      ],
    },
  },
};

const BATCH = {
  type: 'object',
  required: ['events'],
  additionalProperties: false,
  properties: { events: { type: 'array', minItems: 1, items: EVENT } },
};

const FAILURE = {
  type: 'object',
  required: ['statusCode', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    error: { type: 'string' },
    code: { type: 'string', description: 'The reason, for programs.' },
    message: { type: 'string', description: 'The reason and the remedy, for people.' },
    field: { type: 'string', description: 'Path of the wrong field.', example: 'events[2].rooms[0]' },
  },
};

const POSITION = {
  type: 'object',
  required: ['position'],
  properties: {
    position: {
      type: 'string',
      nullable: true,
      description: 'The `id:` of the event; null for one that cannot be replayed.',
    },
  },
};

const RESULTS = {
  type: 'object',
  required: ['results'],
  properties: {
    results: {
      type: 'array',
      description: 'One for each event, in their order.',
      items: { oneOf: [POSITION, { type: 'object', required: ['error'], properties: { error: FAILURE } }] },
    },
  },
};

const RESPONSES = {
  200: { description: 'Published.', schema: { oneOf: [POSITION, RESULTS] } },
  207: { description: 'A batch of which some events were not published.', schema: RESULTS },
  400: { description: 'Wrong input. Nothing was published.', schema: FAILURE },
  401: { description: 'No key, or a wrong one.', schema: FAILURE },
  403: {
    description: 'The key may not publish to a room, or a guard refused. Nothing was published.',
    schema: FAILURE,
  },
  413: { description: 'A body, batch or event that is too large. Nothing was published.', schema: FAILURE },
  415: { description: 'The body is not declared as JSON.', schema: FAILURE },
  503: {
    description: 'The broker is unavailable. Repeat the request with the same idempotency keys.',
    schema: { oneOf: [FAILURE, RESULTS] },
    headers: {
      'Retry-After': {
        description: 'Seconds to wait.',
        schema: { type: 'integer', example: RETRY_AFTER_SECONDS },
      },
    },
  },
};

/**
 * Describes the route to `@nestjs/swagger`, by the metadata that its decorators define. The package is not loaded: an
 * application without it has unused metadata, and no dependency.
 */
export function OpenApi(): MethodDecorator {
  return (_prototype, _name, { value }) => {
    // Copies: the explorer of `@nestjs/swagger` changes what it reads.
    const { body, responses } = structuredClone({ body: { oneOf: [EVENT, BATCH] }, responses: RESPONSES });
    const metadata = {
      'swagger/apiUseTags': ['sse'],
      'swagger/apiOperation': {
        operationId: 'publishEvents',
        summary: 'Publish one event or a batch',
        description: 'A batch is checked whole before any of its events is published.',
      },
      'swagger/apiSecurity': [{ [BEARER]: [] }],
      // The schema precedes the type, which must be given.
      'swagger/apiParameters': [{ in: 'body', required: true, type: String, schema: body }],
      'swagger/apiResponse': responses,
    };
    for (const [key, of] of Object.entries(metadata)) Reflect.defineMetadata(key, of, value as object);
  };
}
