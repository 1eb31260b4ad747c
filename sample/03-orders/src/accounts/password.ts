import { randomBytes, scrypt, scryptSync, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const KEY_BYTES = 32;
const derive = promisify<string, Buffer, number, Buffer>(scrypt);

/** Returns the salt and the key of a password, by scrypt (RFC 7914). Blocks the event loop for about 50 ms. */
export function hashPassword(password: string): string {
  const salt = randomBytes(16);
  return `${salt.toString('base64')}:${scryptSync(password, salt, KEY_BYTES).toString('base64')}`;
}

/** An unknown account costs as much time as a known one, so that the time does not tell which accounts there are. */
const UNKNOWN = hashPassword(randomBytes(16).toString('base64'));

export async function isPassword(password: string, stored = UNKNOWN): Promise<boolean> {
  const [salt = '', key = ''] = stored.split(':');
  const derived = await derive(password, Buffer.from(salt, 'base64'), KEY_BYTES);
  return timingSafeEqual(derived, Buffer.from(key, 'base64')) && stored !== UNKNOWN;
}
