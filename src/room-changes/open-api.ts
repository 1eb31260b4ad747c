const ROOM = { oneOf: [{ type: 'string', minLength: 1, maxLength: 255 }, { type: 'number' }] };
const NAMES = { type: 'array', items: { type: 'string' } };
const FAILURE = {
  type: 'object',
  required: ['statusCode', 'message'],
  properties: { statusCode: { type: 'integer' }, error: { type: 'string' }, message: { type: 'string' } },
};

const ANSWER = {
  type: 'object',
  required: ['joined', 'left', 'refused'],
  properties: {
    joined: { ...NAMES, description: 'Rooms of the request that the stream is in now.' },
    left: { ...NAMES, description: 'Rooms of the request that the stream is not in now.' },
    refused: {
      type: 'array',
      items: {
        type: 'object',
        required: ['room', 'status', 'message'],
        properties: {
          room: { type: 'string' },
          status: { type: 'integer', example: 403 },
          message: { type: 'string' },
        },
      },
    },
  },
};

const RESPONSES = {
  200: { description: 'The rooms are changed, apart from the refused ones.', schema: ANSWER },
  400: { description: 'Wrong input. Nothing was changed.', schema: FAILURE },
  403: { description: 'A guard refused, or the page is of another site.', schema: FAILURE },
  404: { description: 'No such stream of this user.', schema: FAILURE },
  503: { description: 'The rooms may be changed or not. Send the request again.', schema: FAILURE },
};

function bodyOf(maxRooms: number): object {
  const rooms = { type: 'array', maxItems: maxRooms, items: ROOM, example: ['chat/7'] };
  return {
    type: 'object',
    additionalProperties: false,
    oneOf: [{ required: ['client'] }, { required: ['session'] }],
    properties: {
      client: { type: 'string', format: 'uuid', description: 'Id of the client, from its `sse:ready`.' },
      session: {
        type: 'string',
        minLength: 16,
        maxLength: 128,
        description: 'Key of the session of the stream.',
      },
      join: rooms,
      leave: rooms,
    },
  };
}

/**
 * Describes a route to `@nestjs/swagger`, by the metadata that its decorators define. The package is not loaded. What the
 * application has described itself stays.
 */
export function describeRoute(handler: object, maxRooms: number): void {
  const body = { in: 'body', required: true, type: String, schema: structuredClone(bodyOf(maxRooms)) };
  const own = (Reflect.getMetadata('swagger/apiResponse', handler) ?? {}) as object;
  // Copies: the explorer of `@nestjs/swagger` changes what it reads. The schema precedes the type, which must be given.
  const described: Record<string, unknown> = {
    'swagger/apiOperation': { summary: 'Join and leave rooms while a stream is open' },
    'swagger/apiParameters': [body],
    'swagger/apiResponse': { ...structuredClone(RESPONSES), ...own },
  };
  for (const [key, value] of Object.entries(described)) {
    if (key === 'swagger/apiResponse' || !Reflect.hasMetadata(key, handler))
      Reflect.defineMetadata(key, value, handler);
  }
}
