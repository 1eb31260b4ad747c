import fc from 'fast-check';
import { Observable, of, Subject, throwError } from 'rxjs';
import { valuesOf, type ValueIterator } from './producer-source.js';

/** The values until the end, and what has been thrown instead of it. */
async function all(iterator: ValueIterator): Promise<unknown[]> {
  const values: unknown[] = [];
  try {
    for (;;) {
      const { value, done } = await iterator.next();
      if (done === true) return values;
      values.push(value);
    }
  } catch (error) {
    return [...values, error];
  }
}

async function* asynchronous(): AsyncGenerator<number> {
  yield* [1, 2];
}
function* synchronous(): Generator<number> {
  yield* [1, 2];
}

describe('the values of a producer', () => {
  it.each([
    ['undefined', undefined, []],
    ['null', null, []],
    ['one value', { a: 1 }, [{ a: 1 }]],
    ['a list, as one value', [1, 2], [[1, 2]]],
    ['a text, as one value', 'ab', ['ab']],
    ['0', 0, [0]],
    ['an AsyncIterable', asynchronous(), [1, 2]],
    ['a generator', synchronous(), [1, 2]],
    ['an iterator of a list', [1, 2].values(), [1, 2]],
    ['a ReadableStream', new Blob(['ab']).stream().pipeThrough(new TextDecoderStream()), ['ab']],
    ['an Observable', of(1, 2), [1, 2]],
  ])('are those of %s', async (_what, source, values) => {
    expect(await all(valuesOf(source))).toEqual(values);
  });

  it('of an Observable come in order and once, whatever is pulled before and after them', async () => {
    const steps = fc.array(fc.constantFrom('value', 'pull'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(steps, fc.constantFrom('complete', 'error'), async (script, end) => {
        const source = new Subject<number>();
        const iterator = valuesOf(source);
        const pulled: Promise<unknown>[] = [];
        let sent = 0;
        let waiting = Promise.resolve();
        for (const step of script) {
          if (step === 'value') source.next(++sent);
          // One call at a time.
          else waiting = waiting.then(async () => void pulled.push(Promise.resolve(iterator.next())));
        }
        if (end === 'complete') source.complete();
        else source.error(new Error('on purpose'));
        await waiting;
        const first = (await Promise.allSettled(pulled)).flatMap((each) =>
          each.status === 'fulfilled' ? [each.value as IteratorResult<unknown>] : [],
        );
        const values = first.filter(({ done }) => done !== true).map(({ value }) => value);
        const rest = await all(iterator);
        const isFailure = end === 'error';
        expect([...values, ...rest.filter((value) => !(value instanceof Error))]).toEqual(
          Array.from({ length: sent }, (_, n) => n + 1),
        );
        expect(rest.some((value) => value instanceof Error)).toBe(isFailure);
      }),
    );
  });

  it('before the error of an Observable are delivered', async () => {
    const failing = new Observable((subscriber) => {
      subscriber.next(1);
      subscriber.error(new Error('on purpose'));
    });
    expect(await all(valuesOf(failing))).toEqual([1, expect.objectContaining({ message: 'on purpose' })]);
    expect(await all(valuesOf(throwError(() => 'text')))).toEqual(['text']);
  });

  it('of an Observable that is 10,000 ahead end in run-overflow, and it is unsubscribed', async () => {
    const source = new Subject<number>();
    const iterator = valuesOf(source);
    for (let n = 0; n <= 10_000; n++) source.next(n);
    expect(source.observed).toBe(false);
    const values = await all(iterator);
    expect([values.length, values.at(-1)]).toEqual([
      10_001,
      expect.objectContaining({ code: 'run-overflow' }),
    ]);
  });

  it('of an Observable that never stops while it is subscribed end too', async () => {
    let emitted = 0;
    const endless = new Observable<number>((subscriber) => {
      while (!subscriber.closed && emitted < 1_000_000) subscriber.next(emitted++);
    });
    const values = await all(valuesOf(endless));
    expect(values.at(-1)).toMatchObject({ code: 'run-overflow' });
  });

  it('end at return(), which settles a call that waits and unsubscribes an Observable', async () => {
    const source = new Subject<number>();
    const iterator = valuesOf(source);
    const waiting = iterator.next();
    await iterator.return?.();
    expect([await waiting, source.observed]).toEqual([{ value: undefined, done: true }, false]);
    source.next(1);
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
  });
});
