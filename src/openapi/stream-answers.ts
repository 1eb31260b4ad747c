import type { SseTickets } from '../tickets/sse-tickets.js';
import type { JsonSchema } from './json-schema.js';
import type { DescribedRoute } from './described-routes.js';

/** The options of the application that decide about the answers of its streams. */
export interface StreamSettings {
  readonly readyEvent: boolean;
  readonly sessions: unknown;
  readonly allowedOrigins: unknown;
  readonly identify: unknown;
  readonly limits: {
    readonly maxStreams: number | false;
    readonly maxStreamsPerUser: number | false;
    readonly maxStreamsPerAddress: number | false;
    readonly maxStreamsPerKey: number | false;
    readonly keyOf: unknown;
  };
  readonly tickets: Pick<SseTickets, 'isConfigured' | 'parameter'>;
}

/** A parameter of an operation. */
export interface Parameter {
  readonly name: string;
  readonly in: 'query' | 'header';
  readonly required: boolean;
  readonly description: string;
  readonly schema: JsonSchema;
}

const TEXT = { type: 'string' };
const EARLIER = 'The `id` of the last event that the client has: the events after it follow.';
const FOR_STATUS =
  'For a client whose `Accept` does not begin with `text/event-stream`; others receive 200, a time to wait, and the end.';

/** The parameters that a stream reads from its request, those of its rooms aside. */
export function parametersOf(route: DescribedRoute, settings: StreamSettings): Parameter[] {
  const { parameter, isConfigured } = settings.tickets;
  const query = { in: 'query', required: false } as const;
  return [
    { name: 'Last-Event-ID', in: 'header', required: false, description: EARLIER, schema: TEXT },
    {
      ...query,
      name: 'lastEventId',
      description: 'As the header `Last-Event-ID`, which goes first.',
      schema: TEXT,
    },
    ...(hasSessions(route, settings)
      ? [
          {
            ...query,
            name: 'session',
            description:
              'A key that the page makes: rooms that it joins later are restored when it comes back with it.',
            schema: { ...TEXT, minLength: 16, maxLength: 128, pattern: '^[A-Za-z0-9_-]+$' },
          },
        ]
      : []),
    ...(parameter !== undefined && (isConfigured || route.needsTicket)
      ? [
          {
            ...query,
            name: parameter,
            required: route.needsTicket,
            description: 'A ticket for this one stream and its reconnects.',
            schema: { ...TEXT, minLength: 43, maxLength: 43 },
          },
        ]
      : []),
  ];
}

/** The position of a run is in no session. */
export function hasSessions({ metadata }: DescribedRoute, { sessions }: StreamSettings): boolean {
  return metadata.run === undefined && sessions !== false;
}

/** Answers in the place of a stream, each with the reason. */
export function otherAnswersOf(route: DescribedRoute, settings: StreamSettings): Map<number, string> {
  const { limits } = settings;
  const { run } = route.metadata;
  const hasTickets = route.needsTicket || settings.tickets.isConfigured;
  const causes: [number, string | false][] = [
    [
      204,
      run?.kind === 'tail' && 'The client has received the end of the run, or there is nothing to follow.',
    ],
    [400, route.hasOwnNames && `A ${run === undefined ? 'room' : 'run'} of this name is not possible.`],
    [400, hasSessions(route, settings) && '`session` is no key.'],
    [401, hasTickets && 'The ticket is missing, unknown, used or expired.'],
    [401, settings.identify !== undefined && 'The identity of the client has expired.'],
    [401, route.hasGuards && 'A guard refused.'],
    [403, hasTickets && 'The ticket is for other rooms, or not accepted.'],
    [403, route.hasGuards && 'A guard refused.'],
    [403, isOriginJudged(settings) && 'A page of another site may not send credentials.'],
    [404, run?.kind === 'tail' && run.options.whenMissing === 'not-found' && 'There is no such run.'],
    [
      409,
      run?.kind === 'run' &&
        run.options.whenRunning === 'conflict' &&
        'The run goes on, or has ended and is not started again.',
    ],
    [429, hasClientLimits(settings) && `A client has too many streams. ${FOR_STATUS}`],
    [503, run?.kind === 'run' && 'Too many runs.'],
    [503, limits.maxStreams !== false && 'Too many streams.'],
    [503, `The server is closing, or its store is away. ${FOR_STATUS}`],
  ];
  const answers = new Map<number, string>();
  for (const [status, cause] of causes) {
    if (cause === false) continue;
    const earlier = answers.get(status);
    answers.set(status, earlier === undefined ? cause : `${earlier} ${cause}`);
  }
  return answers;
}

function isOriginJudged({ allowedOrigins }: StreamSettings): boolean {
  return allowedOrigins !== false && allowedOrigins !== '*';
}

function hasClientLimits({ limits, identify, tickets }: StreamSettings): boolean {
  const hasUsers = identify !== undefined || tickets.isConfigured;
  return (
    limits.maxStreamsPerAddress !== false ||
    (limits.maxStreamsPerUser !== false && hasUsers) ||
    (limits.maxStreamsPerKey !== false && limits.keyOf !== undefined)
  );
}
