/*
 * C0, DEL and C1 control characters forge lines and escape sequences in logs. Bidirectional embeddings, overrides and
 * isolates (Unicode Standard Annex #9, section 2) show a name in a log or an operator's page as another one.
 */
// oxlint-disable-next-line no-control-regex -- the characters to find
const UNSAFE_CHARACTER = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/;

/**
 * Finds the reason why a text cannot be the name of a room, user, event or key.
 *
 * A lone surrogate, such as half an emoji cut by `slice`, has no UTF-8 form: two different names would become one
 * in Redis.
 *
 * @returns the reason, to follow "contains", or `undefined` for a safe text
 */
export function unsafeTextReason(text: string): string | undefined {
  if (UNSAFE_CHARACTER.test(text)) return 'a control character';
  return isWellFormed(text) ? undefined : 'a lone surrogate (half of a character, as `slice` leaves it)';
}

function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text);
}
