import { isSecret } from './sealed-text.js';

/** Characters of a ticket's id in the name of its cookie: 72 bits, so that the tickets of one browser have different ones. */
const ID_CHARACTERS = 12;
const PREFIX = 'sse-ticket-';
const NAME = /^sse-ticket-[\w-]{12}$/;
/** Cookies of earlier tickets that a browser keeps for one path. More would exceed the size that servers allow for headers. */
const MAX_COOKIES = 16;
/** A path without `;`, which would end the attribute, in printable ASCII. */
const SAFE_PATH = /^\/[!-:<-~]{0,1023}$/;

export type SameSite = 'strict' | 'lax' | 'none';

export interface CookieScope {
  readonly path: string;
  readonly sameSite: SameSite;
}

/** The secret that a `Cookie` header has for a ticket. */
export function continuationIn(header: string | undefined, ticketId: string): string | undefined {
  const name = nameOf(ticketId);
  const value = pairsOf(header).find(([each]) => each === name)?.[1];
  return isSecret(value) ? value : undefined;
}

/**
 * Values of `Set-Cookie` for the secret of a ticket. Removes the oldest cookies of earlier tickets, which a browser lists
 * first (RFC 6265, 5.4).
 *
 * @returns none for a path that does not fit into the attribute
 */
export function continuationCookies(
  header: string | undefined,
  ticketId: string,
  secret: string,
  lifetimeMs: number,
  { path, sameSite }: CookieScope,
): string[] {
  if (!SAFE_PATH.test(path)) return [];
  const scope = `Path=${path}; HttpOnly; Secure; SameSite=${sameSite[0]?.toUpperCase()}${sameSite.slice(1)}`;
  const earlier = [...new Set(pairsOf(header).map(([name]) => name))].filter((name) => NAME.test(name));
  const removed = earlier.slice(0, Math.max(0, earlier.length - MAX_COOKIES + 1));
  return [
    ...removed.map((name) => `${name}=; Max-Age=0; ${scope}`),
    `${nameOf(ticketId)}=${secret}; Max-Age=${Math.max(1, Math.floor(lifetimeMs / 1_000))}; ${scope}`,
  ];
}

function nameOf(ticketId: string): string {
  return PREFIX + ticketId.slice(0, ID_CHARACTERS);
}

function pairsOf(header = ''): [string, string][] {
  return header.split(';').map((pair) => {
    const [name = '', ...value] = pair.split('=');
    return [name.trim(), value.join('=').trim()];
  });
}
