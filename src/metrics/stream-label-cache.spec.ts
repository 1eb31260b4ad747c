import { StreamLabelCache } from './stream-label-cache.js';

describe('StreamLabelCache', () => {
  it.each([
    [
      'the route of Express',
      { route: { path: '/orders/:id' }, httpVersionMajor: 1 },
      '/orders/:id',
      'http/1.1',
    ],
    ['the route of Fastify', { routeOptions: { url: '/a' }, raw: { httpVersionMajor: 2 } }, '/a', 'h2'],
    ['no route', { url: '/orders/7', httpVersionMajor: 1 }, 'other', 'http/1.1'],
    ['a route that is no text', { route: { path: /^\/a/ }, httpVersionMajor: 1 }, 'other', 'http/1.1'],
    ['no request', undefined, 'other', 'http/1.1'],
  ])('makes the labels of %s', (_name, request, endpoint, transport) => {
    expect(new StreamLabelCache().of(request)).toEqual({ endpoint, transport });
  });

  it('returns one object for equal labels', () => {
    const labels = new StreamLabelCache();
    expect(labels.of({ route: { path: '/a' } })).toBe(labels.of({ route: { path: '/a' } }));
  });

  it('tells 100 routes apart, and calls the others `other`', () => {
    const labels = new StreamLabelCache();
    const endpoints = Array.from(
      { length: 1_000 },
      (_, n) => labels.of({ route: { path: `/${n}` } }).endpoint,
    );
    expect(new Set(endpoints).size).toBe(101);
    expect(endpoints.slice(99, 102)).toEqual(['/99', 'other', 'other']);
    expect(labels.of({ route: { path: '/7' } }).endpoint).toBe('/7');
  });
});
