import { didYouMean } from '../protocol/did-you-mean.js';
import { describeValue } from '../protocol/error-text.js';
import { orFalse, wholeNumber, type OptionCheck } from '../protocol/input/option-checks.js';
import { SseError } from '../protocol/sse-error.js';
import { AccessKeys } from './access-keys.js';
import type { SseHttpApiKey, SseHttpApiOptions } from './http-api-options.interface.js';

/** Defaults of the options. */
export const HTTP_API_DEFAULTS = {
  path: 'sse',
  maxBatch: 100,
  maxRooms: 1_000,
  maxBodyBytes: 1_048_576,
} as const;

/** 128 bits as hexadecimal digits: too many to be guessed. */
const MIN_KEY_LENGTH = 32;
/** RFC 6750, 2.1: the characters of a bearer token. */
const BEARER_TOKEN = /^[\w.~+/-]+=*$/;

const COUNT = orFalse(wholeNumber(1, Number.MAX_SAFE_INTEGER));
const CHECKS: Readonly<Record<keyof SseHttpApiOptions, OptionCheck>> = {
  keys: (value) => (Array.isArray(value) ? undefined : 'a list of keys'),
  maxBatch: COUNT,
  maxRooms: COUNT,
  maxBodyBytes: COUNT,
};

/** All options with their values. */
export interface ResolvedHttpApiOptions {
  readonly keys: AccessKeys;
  readonly maxBatch: number | false;
  readonly maxRooms: number | false;
  readonly maxBodyBytes: number | false;
}

/**
 * Checks the options and adds the defaults.
 *
 * @param hasGuards true if the application guards the route
 * @throws SseError `invalid-options`
 */
export function resolveHttpApiOptions(
  options: SseHttpApiOptions,
  hasGuards: boolean,
): ResolvedHttpApiOptions {
  for (const [name, value] of Object.entries(options)) {
    const check = Object.hasOwn(CHECKS, name) ? CHECKS[name as keyof SseHttpApiOptions] : undefined;
    if (check === undefined) throw refused(`has no option "${name}".${didYouMean(name, KNOWN_OPTIONS)}`);
    const expected = value === undefined ? undefined : check(value);
    if (expected !== undefined) {
      throw refused(
        `takes as its option "${name}" ${expected}, not ${name === 'keys' ? `a value of type ${typeof value}` : describeValue(value)}.`,
      );
    }
  }
  const { keys = [], maxBatch, maxRooms, maxBodyBytes } = options;
  if (keys.length === 0 && !hasGuards) {
    throw refused(
      'needs the option "keys" or "guards": without them anybody could publish. Create a key with `openssl rand -hex 32`.',
    );
  }
  const checked = keys.map((key, index) => checkKey(key, `keys[${index}]`));
  if (new Set(checked.map(({ key }) => key)).size < checked.length) {
    throw refused('has the same key twice in its option "keys". Take one of them away.');
  }
  return {
    keys: new AccessKeys(checked),
    maxBatch: maxBatch ?? HTTP_API_DEFAULTS.maxBatch,
    maxRooms: maxRooms ?? HTTP_API_DEFAULTS.maxRooms,
    maxBodyBytes: maxBodyBytes ?? HTTP_API_DEFAULTS.maxBodyBytes,
  };
}

/** The options of `forRoot`. */
export const KNOWN_OPTIONS = ['path', 'version', 'guards', 'decorators', 'imports', ...Object.keys(CHECKS)];

/** Validates one entry of `keys`. No message has the key. */
function checkKey(entry: unknown, path: string): SseHttpApiKey {
  const isText = typeof entry === 'string';
  if (!isText && (typeof entry !== 'object' || entry === null)) {
    throw refused(
      `takes as its option "${path}" a key or { key, rooms }, not a value of type ${typeof entry}.`,
    );
  }
  const { key, rooms, ...others } = isText ? { key: entry } : (entry as Partial<SseHttpApiKey>);
  for (const name of Object.keys(others)) {
    throw refused(`has no option "${path}.${name}".${didYouMean(name, ['key', 'rooms'])}`);
  }
  const keyPath = isText ? path : `${path}.key`;
  if (typeof key !== 'string') {
    throw refused(`takes as its option "${keyPath}" a string, not a value of type ${typeof key}.`);
  }
  if (key.length < MIN_KEY_LENGTH) {
    throw refused(
      `takes as its option "${keyPath}" at least ${MIN_KEY_LENGTH} characters, not ${key.length}. Create a key with \`openssl rand -hex 32\`.`,
    );
  }
  if (!BEARER_TOKEN.test(key)) {
    throw refused(
      `takes as its option "${keyPath}" letters, digits and - . _ ~ + / alone, with = at its end: others cannot be sent as a bearer key.`,
    );
  }
  if (rooms === undefined) return { key };
  const isList = Array.isArray(rooms) && rooms.length > 0;
  if (!isList || !rooms.every((room) => typeof room === 'string' && room !== '')) {
    throw refused(
      `takes as its option "${path}.rooms" a list of room names or patterns such as "orders/*", with one or more of them.`,
    );
  }
  return { key, rooms };
}

function refused(rest: string): SseError {
  return new SseError('invalid-options', `SseHttpApiModule ${rest}`);
}
