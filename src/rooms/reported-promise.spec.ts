import { someTurns } from '../../test/support/within.js';
import { ReportedPromise } from './reported-promise.js';

const failure = new Error('it failed');

async function fails(): Promise<never> {
  throw failure;
}

describe('a reported promise', () => {
  let reported: unknown[];
  let calls: (string | undefined)[];

  // Jest fails a test that leaves a rejection unhandled.
  beforeEach(() => {
    reported = [];
    calls = [];
  });

  function of<T>(work: () => Promise<T>): ReportedPromise<T> {
    return ReportedPromise.of({ method: of, describe: () => 'the call' }, work, (error, call) => {
      reported.push(error);
      calls.push(call);
    });
  }

  it('that is not handled is reported once', async () => {
    void of(fails);
    void of(async () => {
      await someTurns(2);
      throw failure;
    });
    await someTurns();
    expect(reported).toEqual([failure, failure]);
    expect(calls).toEqual(['the call', 'the call']);
  });

  it.each<[string, (promise: Promise<never>) => Promise<unknown>]>([
    ['await', async (promise) => await promise],
    ['catch', (promise) => promise.catch((error: unknown) => Promise.reject(error as Error))],
    ['then', (promise) => promise.then(undefined, (error: unknown) => Promise.reject(error as Error))],
    ['finally', (promise) => promise.finally(() => {})],
    ['all', (promise) => Promise.all([promise, Promise.resolve(1)])],
    ['race', (promise) => Promise.race([promise, new Promise(() => {})])],
    ['resolve', (promise) => Promise.resolve(promise)],
  ])('handled by %s rejects there and is not reported', async (_name, handle) => {
    await expect(handle(of(fails))).rejects.toBe(failure);
    await someTurns();
    expect(reported).toEqual([]);
  });

  it('that resolves gives its value and is not reported', async () => {
    const promise = of(async () => 7);
    await expect(promise).resolves.toBe(7);
    void of(async () => 8);
    await someTurns();
    expect(reported).toEqual([]);
  });

  it('runs its work at once, and rejects with an error that the work throws', async () => {
    let ran = false;
    const promise = of(() => {
      ran = true;
      throw failure;
    });
    expect(ran).toBe(true);
    await expect(promise).rejects.toBe(failure);
  });

  it('handled after it was reported still rejects', async () => {
    const promise = of(fails);
    await someTurns();
    expect(reported).toEqual([failure]);
    await expect(promise).rejects.toBe(failure);
  });

  it('is a promise whose `then` returns an ordinary promise', () => {
    const promise = of(async () => 1);
    expect(promise).toBeInstanceOf(Promise);
    expect(promise.then()).not.toBeInstanceOf(ReportedPromise);
  });
});
