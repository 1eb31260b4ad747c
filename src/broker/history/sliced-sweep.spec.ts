import { SlicedSweep } from './sliced-sweep.js';

/** Spends time on the thread, as many rooms do. */
function spend(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

describe('SlicedSweep', () => {
  it('lets the event loop run between slices, and visits every value once', async () => {
    const sweep = new SlicedSweep<number>();
    const visited: number[] = [];
    let turns = 0;
    let isDone = false;
    const count = (): void => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    count();
    await new Promise<void>((resolve) =>
      sweep.start(
        Array.from({ length: 2_000 }, (_, n) => n),
        (n) => {
          visited.push(n);
          if (n % 256 === 0) spend(5);
        },
        resolve,
      ),
    );
    isDone = true;
    expect(visited).toEqual(Array.from({ length: 2_000 }, (_, n) => n));
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('visits few values before it returns, and ignores a second start meanwhile', () => {
    const sweep = new SlicedSweep<number>();
    const visited: number[] = [];
    let ends = 0;
    sweep.start(
      [1, 2, 3],
      (n) => {
        visited.push(n);
        sweep.start(
          [9],
          (other) => visited.push(other),
          () => {},
        );
      },
      () => ends++,
    );
    expect([visited, ends]).toEqual([[1, 2, 3], 1]);
  });

  it('stops', async () => {
    const sweep = new SlicedSweep<number>();
    let visits = 0;
    sweep.start(
      Array.from({ length: 10_000 }, (_, n) => n),
      () => {
        if (visits++ % 256 === 0) spend(5);
      },
      () => {
        throw new Error('must not end');
      },
    );
    const before = visits;
    sweep.stop();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(visits).toBe(before);
  });
});
