import { acceptsGzip } from './accepts-gzip.js';

it.each([
  'gzip',
  'GZIP',
  'x-gzip',
  'deflate, gzip;q=1.0, *;q=0.5',
  'gzip, deflate, br, zstd',
  '*',
  'br , gzip ; q=0.001',
])('a client that accepts "%s" accepts gzip', (header) => {
  expect(acceptsGzip(header)).toBe(true);
});

it.each([
  undefined,
  '',
  'identity',
  'br',
  'gzip;q=0',
  'gzip;q=0, *',
  '*;q=0',
  'gzipped',
  'gzip;q=x',
  'x;gzip',
  ',,',
])('a client that accepts "%s" does not accept gzip', (header) => {
  expect(acceptsGzip(header)).toBe(false);
});
