import { SseError } from '../protocol/sse-error.js';
import { repeatUntilReached, untilReached } from './until-reached.js';

const unavailable = (): SseError => new SseError('broker-unavailable', 'on purpose');

/** A call that fails as long as there are failures. */
function failing(...failures: Error[]): { readonly call: () => Promise<string>; count: number } {
  const state = {
    count: 0,
    call: async () => {
      state.count++;
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return 'reached';
    },
  };
  return state;
}

describe('a call to the store', () => {
  it('is repeated while the store cannot be reached', async () => {
    const calls = failing(unavailable(), unavailable());
    expect(await untilReached(calls.call, 60_000)).toBe('reached');
    expect(calls.count).toBe(3);
  });

  it('that the store refuses for another reason is not repeated', async () => {
    const calls = failing(new SseError('broker-closed', 'on purpose'));
    await expect(untilReached(calls.call, 60_000)).rejects.toMatchObject({ code: 'broker-closed' });
    expect(calls.count).toBe(1);
  });

  it('is not repeated once the time is over, or the caller does not need it any more', async () => {
    const late = failing(unavailable(), unavailable());
    await expect(untilReached(late.call, 0)).rejects.toMatchObject({ code: 'broker-unavailable' });
    const over = failing(unavailable(), unavailable());
    await expect(untilReached(over.call, 60_000, () => over.count === 2)).rejects.toThrow('on purpose');
    expect([late.count, over.count]).toEqual([1, 2]);
  });

  it('that has failed once is repeated after a pause only', async () => {
    const calls = failing();
    const reply = repeatUntilReached(unavailable(), calls.call, 60_000);
    await new Promise(setImmediate);
    expect(calls.count).toBe(0);
    expect(await reply).toBe('reached');
    await expect(repeatUntilReached(new Error('other'), calls.call, 60_000)).rejects.toThrow('other');
  });
});
