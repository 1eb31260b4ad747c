import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** Random bytes of a secret: 256 bits, so that no number of guesses finds one. */
const SECRET_BYTES = 32;
const FORM = /^[\w-]{43}$/;
const CIPHER = 'aes-256-gcm';
const TAG_BYTES = 16;
/** A key encrypts one text only, so its nonce may be constant (NIST SP 800-38D, 8). */
const NONCE = Buffer.alloc(12);

/** Use of a secret. A secret of one purpose opens nothing of the other. */
export type Purpose = 'ticket' | 'continuation';

/** A new secret: 43 characters of base64url. */
export function newSecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** True for a text in the form of a secret. */
export function isSecret(text: string | undefined): text is string {
  return text !== undefined && FORM.test(text);
}

/**
 * The key under which the text of a secret is stored: a hash, from which nobody finds the secret. A client cannot choose its
 * characters either, so the time of a lookup says nothing about stored keys.
 */
export function idOf(purpose: Purpose, secret: string): string {
  return createHmac('sha256', secret).update(`${purpose} id`).digest('base64url');
}

/** Encrypts a text with a key that only the secret yields. */
export function seal(purpose: Purpose, secret: string, text: string): string {
  const cipher = createCipheriv(CIPHER, keyOf(purpose, secret), NONCE);
  return Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64url',
  );
}

/** @returns `undefined` for a text that was not sealed with this secret */
export function unseal(purpose: Purpose, secret: string, sealed: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url');
  if (bytes.length < TAG_BYTES) return undefined;
  const decipher = createDecipheriv(CIPHER, keyOf(purpose, secret), NONCE, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
}

function keyOf(purpose: Purpose, secret: string): Buffer {
  return createHmac('sha256', secret).update(`${purpose} key`).digest();
}
