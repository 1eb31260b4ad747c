import { FORBIDDEN_HEADERS, streamHeaders } from './stream-headers.js';

describe('streamHeaders', () => {
  it('returns the default headers', () => {
    expect(streamHeaders({})).toEqual({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
  });

  it('keeps what CORS, middleware and @Header have set, also in the place of a default', () => {
    expect(
      streamHeaders({
        'Access-Control-Allow-Origin': 'https://example.com',
        'Cache-Control': 'no-store',
        'set-cookie': ['a=1', 'b=2'],
        'X-Count': 3,
      }),
    ).toMatchObject({
      'access-control-allow-origin': 'https://example.com',
      'cache-control': 'no-store',
      'set-cookie': ['a=1', 'b=2'],
      'x-count': 3,
      'content-type': 'text/event-stream',
    });
  });

  it.each(['Content-Type', 'content-type'])('no %s but the one that connects', (name) => {
    expect(streamHeaders({ [name]: 'application/json; charset=utf-8' })['content-type']).toBe(
      'text/event-stream',
    );
  });

  it.each(FORBIDDEN_HEADERS)('leaves out %s, in any case', (name) => {
    expect(streamHeaders({ [name]: 'x', [name.toUpperCase()]: 'x' })).toEqual(streamHeaders({}));
  });

  it('skips values that are no header values', () => {
    expect(streamHeaders({ 'x-none': undefined, 'x-null': null, 'x-object': {} })).toEqual(streamHeaders({}));
  });
});
