import { didYouMean } from './did-you-mean.js';

const known = ['openOnFirstEvent', 'endOnComplete', 'retryMs', 'id'];

it.each([
  ['openOnFirst', 'openOnFirstEvent'],
  ['retryms', 'retryMs'],
  ['retyMs', 'retryMs'],
  ['endOnComplet', 'endOnComplete'],
  ['ids', 'id'],
])('suggests the nearest name for %j', (name, nearest) => {
  expect(didYouMean(name, known)).toBe(` Did you mean "${nearest}"?`);
});

it.each(['heartbeat', 'x', ''])('lists the known names for %j', (name) => {
  expect(didYouMean(name, known)).toBe(' Known are: openOnFirstEvent, endOnComplete, retryMs, id.');
});

it('prefers the smallest number of edits', () => {
  expect(didYouMean('ab', ['abcd', 'abc'])).toBe(' Did you mean "abc"?');
});
