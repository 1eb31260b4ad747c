import { hostname } from 'node:os';
import { didYouMean } from '../protocol/did-you-mean.js';
import { describeValue } from '../protocol/error-text.js';
import { trueOrFalse, type OptionCheck } from '../protocol/input/option-checks.js';
import { unsafeTextReason } from '../protocol/input/unsafe-text.js';
import { SseError } from '../protocol/sse-error.js';
import type { SseAdminOptions } from './admin-options.interface.js';

/** The options with their values. */
export interface ResolvedAdminOptions {
  readonly path: string;
  readonly guards: NonNullable<SseAdminOptions['guards']>;
  readonly imports: NonNullable<SseAdminOptions['imports']>;
  readonly nodeName: string;
}

/** Injection token of the resolved options. */
export const ADMIN_OPTIONS = Symbol('ADMIN_OPTIONS');

const MAX_NAME_LENGTH = 64;

const CHECKS: Readonly<Record<keyof SseAdminOptions, OptionCheck>> = {
  path: (value) =>
    typeof value === 'string' &&
    /^\/?[\w.-]+(?:\/[\w.-]+)*$/.test(value) &&
    !/(?:^|\/)\.+(?:\/|$)/.test(value)
      ? undefined
      : 'a path such as "ops/sse", without parameters',
  guards: (value) =>
    Array.isArray(value) && value.every(isGuard) ? undefined : 'a list of guards, as in @UseGuards()',
  unprotected: trueOrFalse,
  imports: (value) => (Array.isArray(value) ? undefined : 'a list of modules'),
  nodeName: (value) =>
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= MAX_NAME_LENGTH &&
    unsafeTextReason(value) === undefined
      ? undefined
      : `a name of 1 to ${MAX_NAME_LENGTH} characters`,
};

/**
 * Checks the options and adds the defaults.
 *
 * @throws SseError `invalid-options`, also without a guard
 */
export function resolveAdminOptions(options: SseAdminOptions): ResolvedAdminOptions {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(`The options of SseAdminModule must be an object, not ${describeValue(options)}.`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw invalid(`SseAdminModule has no option "${name}".${didYouMean(name, Object.keys(CHECKS))}`);
    }
    const expected = value === undefined ? undefined : CHECKS[name as keyof SseAdminOptions](value);
    if (expected !== undefined) {
      throw invalid(`The option "${name}" of SseAdminModule is ${expected}, not ${describeValue(value)}.`);
    }
  }
  const { path = 'sse-admin', guards = [], unprotected = false, imports = [], nodeName } = options;
  if (guards.length === 0 && !unprotected) {
    throw invalid(
      'SseAdminModule has no guard: everybody could read events and end streams. Give it guards: [YourGuard]. Where a global guard protects it, or nobody else reaches it, say so with unprotected: true.',
    );
  }
  if (guards.length > 0 && unprotected) {
    throw invalid('SseAdminModule has both guards and unprotected: true. Take one of them away.');
  }
  return {
    path: path.replace(/^\//, ''),
    guards,
    imports,
    nodeName: nodeName ?? `${hostname()}:${process.pid}`.slice(-MAX_NAME_LENGTH),
  };
}

function isGuard(value: unknown): boolean {
  const guard = typeof value === 'function' ? (value.prototype as unknown) : value;
  return typeof (guard as { canActivate?: unknown } | null | undefined)?.canActivate === 'function';
}

function invalid(message: string): SseError {
  return new SseError('invalid-options', message);
}
