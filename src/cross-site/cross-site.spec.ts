import fc from 'fast-check';
import { checkAllowedOrigins } from './allowed-origins-check.js';
import { isForbiddenCrossSite, type JudgedRequest } from './cross-site.js';
import type { AllowedOrigins } from './cross-site-options.interface.js';

const COOKIE = { cookie: 'session=1' };
const BEARER = { authorization: 'Bearer abc' };
const BASIC = { authorization: 'basic YTpi' };
const OTHER = 'https://other.example';
const CORS = {
  'access-control-allow-origin': OTHER,
  'access-control-allow-credentials': 'true',
};

type Headers = JudgedRequest['headers'];

function isForbidden(
  headers: Headers,
  allowed?: AllowedOrigins | false,
  responseHeaders: Record<string, unknown> = {},
  host: string | undefined = 'app.example',
): boolean {
  return isForbiddenCrossSite({ request: {}, headers, host, responseHeaders }, allowed);
}

function from(origin: string, host: string): boolean {
  return isForbidden({ ...COOKIE, origin }, undefined, {}, host);
}

describe('isForbiddenCrossSite', () => {
  it.each<[string, Headers]>([
    ['without credentials', { 'sec-fetch-site': 'cross-site', origin: OTHER }],
    ['of a client that sends neither header', COOKIE],
    ['of the same origin', { ...COOKIE, 'sec-fetch-site': 'same-origin' }],
    [
      'of the same origin by POST behind a proxy',
      { ...COOKIE, 'sec-fetch-site': 'same-origin', origin: OTHER },
    ],
    ['that a user has typed', { ...COOKIE, 'sec-fetch-site': 'none' }],
    ['of another origin of the same site', { ...COOKIE, 'sec-fetch-site': 'same-site', origin: OTHER }],
    ['whose origin is the host, without Sec-Fetch-Site', { ...COOKIE, origin: 'http://app.example' }],
    ['of a page with TLS behind a proxy', { ...COOKIE, origin: 'https://app.example' }],
  ])('lets a request pass %s', (_name, headers) => expect(isForbidden(headers)).toBe(false));

  it.each<[string, Headers]>([
    ['with a cookie', { ...COOKIE, 'sec-fetch-site': 'cross-site', origin: OTHER }],
    ['with an empty cookie', { cookie: '', 'sec-fetch-site': 'cross-site', origin: OTHER }],
    ['with a password', { ...BASIC, 'sec-fetch-site': 'cross-site', origin: OTHER }],
    ['with a token', { ...BEARER, 'sec-fetch-site': 'cross-site', origin: OTHER }],
    ['by a browser without Sec-Fetch-Site', { ...COOKIE, origin: OTHER }],
    ['by a link or an image', { ...COOKIE, 'sec-fetch-site': 'cross-site' }],
    ['by a frame without an origin', { ...COOKIE, origin: 'null' }],
    ['by such a frame with Sec-Fetch-Site', { ...COOKIE, 'sec-fetch-site': 'cross-site', origin: 'null' }],
    [
      'that names this host, and is redirected',
      { ...COOKIE, 'sec-fetch-site': 'cross-site', origin: 'https://app.example' },
    ],
    ['with another port', { ...COOKIE, origin: 'http://app.example:81' }],
    ['with two origins', { ...COOKIE, origin: `http://app.example, ${OTHER}` }],
    ['with an unknown Sec-Fetch-Site', { ...COOKIE, 'sec-fetch-site': 'same-origin, cross-site' }],
    ['of another scheme', { ...COOKIE, origin: 'ftp://app.example' }],
  ])('refuses a request of another site %s', (_name, headers) => expect(isForbidden(headers)).toBe(true));

  it('compares ports as browsers write them: without the default of the scheme', () => {
    expect(from('https://app.example', 'app.example:443')).toBe(false);
    expect(from('http://app.example', 'app.example:80')).toBe(false);
    expect(from('http://app.example:8080', 'app.example:8080')).toBe(false);
    expect(from('http://app.example', 'app.example:8080')).toBe(true);
    expect(from('http://[::1]:3000', '[::1]:3000')).toBe(false);
  });

  it('takes no host for the origin of a page where the host is unknown or malformed', () => {
    for (const host of [undefined, '', 'app.example/', ' ', 'x@other.example', '%'])
      expect(
        isForbiddenCrossSite(
          { request: {}, headers: { ...COOKIE, origin: 'https://app.example' }, host, responseHeaders: {} },
          undefined,
        ),
      ).toBe(host !== 'app.example/');
  });

  const crossSite = { ...COOKIE, 'sec-fetch-site': 'cross-site', origin: OTHER };

  it('lets an origin pass for which CORS has allowed credentials, and no other', () => {
    expect(isForbidden(crossSite, undefined, CORS)).toBe(false);
    expect(isForbidden(crossSite, [], CORS)).toBe(false);
    expect(isForbidden({ ...crossSite, origin: 'https://third.example' }, undefined, CORS)).toBe(true);
    expect(isForbidden(crossSite, undefined, { 'access-control-allow-origin': OTHER })).toBe(true);
    expect(isForbidden(crossSite, undefined, { ...CORS, 'access-control-allow-origin': '*' })).toBe(true);
    expect(isForbidden({ ...crossSite, origin: undefined }, undefined, CORS)).toBe(true);
  });

  it('lets a token of a script pass where CORS allows the page to read the answer', () => {
    const token = { ...BEARER, 'sec-fetch-site': 'cross-site', origin: OTHER };
    const any = { 'access-control-allow-origin': '*' };
    expect(isForbidden(token, undefined, any)).toBe(false);
    expect(isForbidden({ ...token, ...BASIC }, undefined, any)).toBe(true);
    expect(isForbidden({ ...token, ...COOKIE }, undefined, any)).toBe(true);
  });

  it('takes a list for all other origins, also those of the same site', () => {
    const sameSite = { ...crossSite, 'sec-fetch-site': 'same-site' };
    expect(isForbidden(crossSite, [OTHER])).toBe(false);
    expect(isForbidden(sameSite, [OTHER])).toBe(false);
    expect(isForbidden(sameSite, [])).toBe(true);
    expect(isForbidden({ ...crossSite, origin: 'null' }, ['null'])).toBe(false);
    expect(isForbidden({ ...COOKIE, 'sec-fetch-site': 'same-origin' }, [])).toBe(false);
  });

  it('asks a function with the origin and the request, and refuses what is no boolean', () => {
    const seen: unknown[] = [];
    const request = { ip: '192.0.2.1' };
    const judge = (result: unknown): boolean =>
      isForbiddenCrossSite(
        { request, headers: crossSite, host: 'app.example', responseHeaders: {} },
        (...args) => {
          seen.push(args);
          return result as boolean;
        },
      );
    expect([judge(true), judge(false)]).toEqual([false, true]);
    expect(seen).toEqual([
      [OTHER, request],
      [OTHER, request],
    ]);
    for (const result of [undefined, 1, 'yes', Promise.resolve(true), Promise.reject(new Error('late'))])
      expect(() => judge(result)).toThrow(expect.objectContaining({ code: 'invalid-arguments' }) as Error);
  });

  it.each<AllowedOrigins | false>(['*', false])('checks nothing with %s', (allowed) => {
    expect(isForbidden(crossSite, allowed)).toBe(false);
  });

  it('never lets an arbitrary origin pass that is not that of the host', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.webUrl(),
          fc.string(),
          fc.domain().map((name) => `https://${name}`),
        ),
        (origin) => {
          fc.pre(!/^https?:\/\/app\.example(?::(?:80|443)?)?(?:[/?#]|$)/i.test(origin));
          expect(isForbidden({ ...COOKIE, origin })).toBe(true);
        },
      ),
    );
  });
});

describe('the option allowedOrigins', () => {
  const allowed = ['https://a.example', 'http://localhost:3000', 'capacitor://localhost', 'null'];

  it.each([{ value: [] }, { value: allowed }, { value: '*' }, { value: false }, { value: () => true }])(
    'may be $value',
    ({ value }) => expect(checkAllowedOrigins(value)).toBeUndefined(),
  );

  it.each([
    { value: 'https://a.example' },
    { value: ['https://a.example/'] },
    { value: ['https://a.example/path'] },
    { value: ['https://a.example:443'] },
    { value: ['https://A.example'] },
    { value: ['a.example'] },
    { value: ['*'] },
    { value: [/a/] },
    { value: true },
    { value: {} },
  ])('must not be $value', ({ value }) => expect(checkAllowedOrigins(value)).toMatch(/^a list of origins/));
});
