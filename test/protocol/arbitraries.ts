import * as fc from 'fast-check';
import type { SseFields } from '../../src/protocol/encode-event.js';

/** Pieces that would break a careless encoder, parser or decoder, among any other characters. */
const piece = fc.oneof(
  fc.constantFrom('\r', '\n', '\r\n', '\n\n', '\0', ':', ' ', '\t', '\ufeff', '\u2028', '\u0085', '\v'),
  fc.constantFrom(
    '\ud83d',
    '\ude42',
    '🙂',
    'é',
    '‮',
    'data: ',
    'id: 1',
    'event:',
    'retry: 1',
    ': ',
    '[DONE]',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

/** Any text: line ends, NUL, lone surrogates and pieces of fields are in it more often than not. */
export const anyText = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));

export const eventName = anyText
  .map((text) => text.replace(/[\r\n\0]/g, ''))
  .filter((name) => name !== '' && name !== 'error' && name !== 'open' && !name.startsWith('sse:'));

export const eventId = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { maxLength: 128 })
  .map((codes) => String.fromCharCode(...codes));

export const retry = fc.oneof(fc.constantFrom(0, 1, 3_000, Number.MAX_SAFE_INTEGER), fc.maxSafeNat());

const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });

/** An event that a client dispatches, with other fields in its block. */
export const eventFields: fc.Arbitrary<SseFields & { readonly data: string }> = fc.record({
  event: maybe(eventName),
  data: anyText,
  id: maybe(eventId),
  retry: maybe(retry),
  comment: maybe(anyText),
});

/** Any block, also one without data, of which a client dispatches nothing. */
export const anyFields: fc.Arbitrary<SseFields> = fc.record({
  event: maybe(eventName),
  data: maybe(anyText),
  id: maybe(eventId),
  retry: maybe(retry),
  comment: maybe(anyText),
});

/** Places at which a stream's bytes are split. */
export const cuts = fc.array(fc.nat({ max: 4_096 }), { maxLength: 20 });
