const KEY = /^[\w-]{16,128}$/;

/** Returns whether a text is the key of a session. */
export function isSessionKey(text: unknown): text is string {
  return typeof text === 'string' && KEY.test(text);
}

/** What a key is, for messages. */
export const SESSION_KEY_RULE =
  'A session is named by 16 to 128 letters, digits, "-" and "_", such as crypto.randomUUID().';
