import { didYouMean } from './did-you-mean.js';

const known = ['openOnFirstEvent', 'endOnComplete', 'retryMs'];

it.each([
  ['openOnFirst', ' Did you mean "openOnFirstEvent"?'],
  ['retryms', ' Did you mean "retryMs"?'],
  ['endOnComplet', ' Did you mean "endOnComplete"?'],
  ['heartbeat', ''],
  ['', ''],
])('%j', (name, hint) => {
  expect(didYouMean(name, known)).toBe(hint);
});
