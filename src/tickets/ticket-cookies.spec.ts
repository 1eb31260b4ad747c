import fc from 'fast-check';
import { idOf, newSecret } from './sealed-text.js';
import { continuationCookies, continuationIn } from './ticket-cookies.js';

const secret = newSecret();
const id = idOf('ticket', newSecret());
const scope = { path: '/events', sameSite: 'lax' } as const;
const VALUE =
  /^sse-ticket-[\w-]{12}=[\w-]{0,43}; Max-Age=\d+; Path=\/[!-:<-~]*; HttpOnly; Secure; SameSite=(?:Strict|Lax|None)$/;

describe('the cookie of a used ticket', () => {
  it('is found among other cookies, and in no other ticket', () => {
    const [cookie = ''] = continuationCookies(undefined, id, secret, 1_000, scope);
    const pair = cookie.split(';')[0];
    expect(continuationIn(`a=b; ${pair}; c`, id)).toBe(secret);
    expect(continuationIn(`a=b;${pair}`, id)).toBe(secret);
    expect(continuationIn(pair, idOf('ticket', newSecret()))).toBeUndefined();
    expect(continuationIn(undefined, id)).toBeUndefined();
    expect(continuationIn('', id)).toBeUndefined();
  });

  it('has no part of a request that could end its attributes, whatever path and header are sent', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (path, header) => {
        for (const cookie of continuationCookies(header, id, secret, 1_000, { ...scope, path: `/${path}` }))
          expect(cookie).toMatch(VALUE);
      }),
    );
    for (const path of [
      '/a;Domain=evil.example',
      '/a\r\nSet-Cookie: x=y',
      '/ä',
      '',
      'a',
      `/${'a'.repeat(1_024)}`,
    ])
      expect(continuationCookies(undefined, id, secret, 1_000, { ...scope, path })).toEqual([]);
  });

  it('takes no name from a request that is not one of its own', () => {
    const names = Array.from({ length: 40 }, (_, n) => `sse-ticket-${String(n).padStart(12, '0')}=x`);
    const header = [...names, 'sse-ticket-a=x', 'sse-ticket-000000000000\r\nx=y', 'theme=dark'].join('; ');
    const cookies = continuationCookies(header, id, secret, 1_000, scope);
    expect(cookies).toHaveLength(26);
    for (const cookie of cookies) expect(cookie).toMatch(VALUE);
    expect(cookies[0]).toBe(
      'sse-ticket-000000000000=; Max-Age=0; Path=/events; HttpOnly; Secure; SameSite=Lax',
    );
  });
});
