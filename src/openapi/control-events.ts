import type { JsonSchema } from './json-schema.js';

const TEXT = { type: 'string' };
const TEXTS = { type: 'array', items: TEXT };

const MEMBERSHIP = {
  type: 'object',
  required: ['room', 'user'],
  properties: { room: TEXT, user: TEXT, info: { description: 'What `identify` returned for the user.' } },
};

/** A control event of docs/11-wire.md. */
export interface ControlEvent {
  readonly component: string;
  readonly description: string;
  readonly data: JsonSchema;
}

/** The events that the server itself sends, by name. Written in what all dialects of JSON Schema share. */
export const CONTROL_EVENTS = {
  'sse:ready': {
    component: 'SseReady',
    description: 'The stream has begun.',
    data: {
      type: 'object',
      required: ['clientId', 'resumed'],
      properties: {
        clientId: { type: 'string', format: 'uuid' },
        resumed: { type: 'string', enum: ['none', 'full', 'partial'] },
        restored: { ...TEXTS, description: 'Rooms of the session.' },
        run: { type: 'string', description: 'Name of the run.' },
        heartbeatMs: { type: 'integer' },
      },
    },
  },
  'sse:gap': {
    component: 'SseGap',
    description: 'Events of these rooms may be missing: load their state again.',
    data: {
      type: 'object',
      required: ['rooms', 'reason'],
      properties: {
        rooms: TEXTS,
        reason: { type: 'string', enum: ['trimmed', 'epoch', 'invalid', 'session'] },
        run: { type: 'string', description: 'Name of the run.' },
      },
    },
  },
  'sse:join': { component: 'SseJoin', description: 'A user has come to a room.', data: MEMBERSHIP },
  'sse:leave': { component: 'SseLeave', description: 'A user has left a room.', data: MEMBERSHIP },
  'sse:error': {
    component: 'SseFailed',
    description: 'The stream has failed and ends.',
    data: { type: 'object', required: ['message'], properties: { message: TEXT } },
  },
  'sse:end': {
    component: 'SseEnd',
    description: 'The run has ended, and the stream ends.',
    data: {
      type: 'object',
      required: ['run', 'state', 'events'],
      properties: {
        run: TEXT,
        state: { type: 'string', enum: ['done', 'failed', 'stopped'] },
        reason: TEXT,
        events: { type: 'integer' },
      },
    },
  },
} as const satisfies Readonly<Record<string, ControlEvent>>;

export type ControlEventName = keyof typeof CONTROL_EVENTS;
