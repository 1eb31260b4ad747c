import type { JsonSchema } from './json-schema.js';
import { otherAnswersOf, parametersOf, type StreamSettings } from './stream-answers.js';
import type { DescribedEvents } from './stream-events.js';
import type { DescribedRoute } from './described-routes.js';

/** The parts of an Operation Object that are written. */
export interface Operation {
  summary?: string;
  parameters?: readonly { readonly name?: string; readonly in?: string }[];
  responses?: Record<string, { description?: string; content?: Record<string, unknown> }>;
}

export interface DescribedStream {
  readonly route: DescribedRoute;
  readonly settings: StreamSettings;
  readonly events: DescribedEvents;
  /** Name of the field with the schema of one event. */
  readonly field: 'schema' | 'itemSchema';
  /** Schema of the body of a refusal. */
  readonly failure: JsonSchema;
}

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } };

/** Adds what a stream is to its operation. What the application has described itself stays. */
export function describeOperation(operation: Operation, stream: DescribedStream): void {
  const { route, settings, events, field, failure } = stream;
  operation.summary ??= summaryOf(route);
  const known = operation.parameters ?? [];
  const added = parametersOf(route, settings).filter(
    (each) => !known.some((other) => other.name === each.name && other.in === each.in),
  );
  operation.parameters = [...known, ...added];

  const responses = (operation.responses ??= {});
  const { description, content, ...own } = responses['200'] ?? {};
  responses['200'] = {
    ...own,
    description: description || `A stream of Server-Sent Events.${events.words}`,
    content: { 'text/event-stream': { [field]: events.schema }, ...content },
  };
  for (const [status, cause] of otherAnswersOf(route, settings)) {
    responses[status] ??= {
      description: cause,
      ...(status !== 204 && { content: { 'application/json': { schema: failure } } }),
      ...((status === 429 || status === 503) && { headers: RETRY_AFTER }),
    };
  }
}

function summaryOf({ metadata, rooms }: DescribedRoute): string {
  const names = (rooms ?? []).join(', ');
  if (metadata.run?.kind === 'run') return `Start the run${names && ` ${names}`}, or follow it`;
  if (metadata.run?.kind === 'tail') return `Follow the run${names && ` ${names}`}`;
  return names === '' ? 'A stream of events' : `Events of ${names}`;
}
