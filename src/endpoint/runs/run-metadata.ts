import { didYouMean } from '../../protocol/did-you-mean.js';
import { describeValue } from '../../protocol/error-text.js';
import type { OptionCheck } from '../../protocol/input/option-checks.js';
import type { RoomName } from '../../protocol/input/room-name.js';
import { SseError } from '../../protocol/sse-error.js';
import { ROUTE_CHECKS, TAIL_CHECKS } from '../../runs/run-checks.js';
import type { SseRunRouteOptions, SseRunTailOptions } from '../../runs/run-options.interface.js';
import type { RoutedRequest } from '../room-names.js';

/** The name of a run: a name that may contain parameters of the route (`chats/:id`), or a function of the request. */
export type RunSource<Request = RoutedRequest> =
  RoomName | ((request: Request) => RoomName | Promise<RoomName>);

/** Metadata of `@SseRun` or `@SseRunTail`. */
export type RunMetadata = { readonly source: RunSource<never> } & (
  | { readonly kind: 'run'; readonly options: SseRunRouteOptions }
  | { readonly kind: 'tail'; readonly options: SseRunTailOptions }
);

export function runDecorator({ kind }: Pick<RunMetadata, 'kind'>): string {
  return kind === 'run' ? '@SseRun()' : '@SseRunTail()';
}

/** @throws SseError `invalid-options`, `invalid-room` */
export function checkRunMetadata(metadata: RunMetadata): void {
  const { source, options } = metadata as { source: unknown; options: unknown };
  const decorator = runDecorator(metadata);
  if (!['string', 'number', 'function'].includes(typeof source)) {
    throw new SseError(
      'invalid-room',
      `${decorator} takes the name of a run, or a function that returns it, not ${describeValue(source)}.`,
    );
  }
  const checks: Readonly<Record<string, OptionCheck>> = metadata.kind === 'run' ? ROUTE_CHECKS : TAIL_CHECKS;
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new SseError(
      'invalid-options',
      `The options of ${decorator} are an object, not ${describeValue(options)}.`,
    );
  }
  if (metadata.options.control === false && metadata.options.retryMs !== undefined) {
    throw new SseError(
      'invalid-options',
      `${decorator} has both "retryMs" and "control: false", but a stream without control events has no retry time. Take one of them away.`,
    );
  }
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    if (check === undefined) {
      throw new SseError(
        'invalid-options',
        `${decorator} has no option "${name}".${didYouMean(name, Object.keys(checks))}`,
      );
    }
    const expected = value === undefined ? undefined : check(value);
    if (expected === undefined) continue;
    throw new SseError(
      'invalid-options',
      `The option "${name}" of ${decorator} is ${expected}, not ${describeValue(value)}.`,
    );
  }
}
