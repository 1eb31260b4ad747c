import { describeValue } from '../protocol/error-text.js';
import { checkEventName } from '../protocol/input/event-fields.js';
import { checkTarget, EVERYONE, type RoomNameRules } from '../protocol/input/room-name.js';
import { ambiguousPart, bracesIn, exampleOf, PARAMETER, patternOf } from '../protocol/input/room-template.js';
import { SseError } from '../protocol/sse-error.js';
import type { EventContract, RoomContract } from './event-contract.js';

/** Describes the allowed values of the option `events`; `undefined` for a contract. */
export function contractExpected(value: unknown): string | undefined {
  const isContract = isObject(value) && isObject((value as Partial<EventContract>)['~rooms']);
  return isContract ? undefined : 'what defineEvents() returned';
}

/**
 * Checks the keys, names and schemas of a contract.
 *
 * @throws SseError `invalid-options`, which names the key
 */
export function checkContract(contract: EventContract, rules: RoomNameRules): void {
  const keys = Object.keys(contract['~rooms']);
  for (const [key, events] of Object.entries(contract['~rooms'])) {
    checkKey(key, rules);
    checkEvents(key, events);
  }
  const templates = keys.filter((key) => exampleOf(key) !== key);
  for (const [index, key] of templates.entries()) {
    const other = templates.slice(index + 1).find((each) => overlap(key, each));
    if (other === undefined) continue;
    throw invalid(
      key,
      `fits rooms that ${JSON.stringify(other)} fits too, so that their events are not certain. Make them differ outside of parameters`,
    );
  }
}

function checkKey(key: string, rules: RoomNameRules): void {
  const braces = bracesIn(key);
  if (braces !== undefined)
    throw invalid(key, `contains "${braces}", which is no parameter. Write it as ":id"`);
  const ambiguous = ambiguousPart(key);
  if (ambiguous !== undefined) {
    throw invalid(key, `contains "${ambiguous}". Write a separator between the parameters, such as "/"`);
  }
  try {
    checkTarget(exampleOf(key), rules);
  } catch (error) {
    throw invalid(key, `is no room. ${(error as SseError).message.replace(/\.$/, '')}`);
  }
}

function checkEvents(key: string, events: RoomContract): void {
  if (!isObject(events)) throw invalid(key, `is an object of events, not ${describeValue(events)}`);
  for (const [name, schema] of Object.entries(events)) {
    try {
      if (checkEventName(name) === undefined)
        throw invalid(key, 'has an event without a name: it is called "message"');
    } catch (error) {
      if ((error as SseError).code === 'invalid-options') throw error;
      throw invalid(key, `has a wrong name. ${(error as SseError).message.replace(/\.$/, '')}`);
    }
    const standard: unknown = isObject(schema) ? schema['~standard'] : undefined;
    const { version, validate } = (standard ?? {}) as { version?: unknown; validate?: unknown };
    if (version === 1 && typeof validate === 'function') continue;
    throw invalid(
      key,
      `has no schema for the event ${JSON.stringify(name)}. Give it one of a library that follows the Standard Schema specification, such as zod, or typeOnly()`,
    );
  }
}

/** Returns whether a room may fit both templates; in rare cases `true` for two that no room fits. */
export function overlap(one: string, other: string): boolean {
  const [parts, others] = [one.split('/'), other.split('/')];
  return parts.length === others.length && parts.every((part, n) => partsOverlap(part, others[n] as string));
}

function partsOverlap(one: string, other: string): boolean {
  const [isPlain, isOtherPlain] = [exampleOf(one) === one, exampleOf(other) === other];
  if (isPlain) return isOtherPlain ? one === other : patternOf(other).test(one);
  if (isOtherPlain) return patternOf(one).test(other);
  const [first, second] = [fixedEnds(one), fixedEnds(other)];
  return (
    (first.start.startsWith(second.start) || second.start.startsWith(first.start)) &&
    (first.end.endsWith(second.end) || second.end.endsWith(first.end))
  );
}

/** The text before the first parameter and after the last one. */
function fixedEnds(part: string): { readonly start: string; readonly end: string } {
  const texts = part.replace(PARAMETER, '\0').split('\0');
  return { start: texts[0] ?? '', end: texts.at(-1) ?? '' };
}

function invalid(key: string, fault: string): SseError {
  const shown = key === EVERYONE ? '"*"' : describeValue(key);
  return new SseError('invalid-options', `The key ${shown} of the option "events" ${fault}.`);
}

/** Schemas of arktype are functions. */
function isObject(value: unknown): value is object & Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
