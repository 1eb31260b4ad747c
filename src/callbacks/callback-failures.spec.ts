import { jest } from '@jest/globals';
import { CallbackFailures } from './callback-failures.js';

describe('CallbackFailures', () => {
  let lines: string[];
  let nowMs: number;

  beforeEach(() => {
    lines = [];
    nowMs = 1_000;
    jest.spyOn(performance, 'now').mockImplementation(() => nowMs);
  });
  afterEach(() => jest.restoreAllMocks());

  const failures = (count?: (callback: string) => readonly unknown[]): CallbackFailures =>
    new CallbackFailures((message) => lines.push(message), count);

  it('logs the same failure once in ten seconds, with the number of the others', () => {
    const reported = failures();
    for (let n = 0; n < 5; n++) reported.report('identify', new Error('no database'));
    expect(lines).toEqual(['A callback of the application failed: identify.']);
    nowMs += 10_000;
    reported.report('identify', new Error('no database'));
    expect(lines[1]).toContain('It failed 4 more times');
  });

  it('logs different failures of one callback, and bounds their number', () => {
    const reported = failures();
    for (let n = 0; n < 1_000; n++) reported.report('identify', new Error(`user ${n}`));
    expect(lines).toHaveLength(101);
    nowMs += 10_000;
    reported.report('identify', new Error('user 5000'));
    expect(lines).toHaveLength(102);
  });

  it('counts each failure, and survives a counter and a log that fail', () => {
    const counted: string[] = [];
    const reported = new CallbackFailures(
      () => {
        throw new Error('the log failed');
      },
      (callback) => {
        counted.push(callback);
        throw new Error('the counter failed');
      },
    );
    for (let n = 0; n < 3; n++) reported.report('connected$', undefined);
    expect(counted).toEqual(['connected$', 'connected$', 'connected$']);
  });

  it('reports what a callback throws, and the rejection of what it returns', async () => {
    const reported = failures();
    reported.run('a', () => {
      throw new Error('thrown');
    });
    reported.run('b', () => Promise.reject(new Error('rejected')));
    await new Promise(setImmediate);
    expect(lines).toEqual([
      'A callback of the application failed: a.',
      'A callback of the application failed: b.',
    ]);
  });
});
