import { jest } from '@jest/globals';
import { CallbackFailures } from './callback-failures.js';

describe('CallbackFailures', () => {
  let lines: string[];

  beforeEach(() => {
    lines = [];
  });
  afterEach(() => jest.useRealTimers());

  const failures = (count?: (callback: string) => readonly unknown[]): CallbackFailures =>
    new CallbackFailures((message) => lines.push(message), count);

  it('logs the same failure once in ten seconds, with the number of the others', () => {
    jest.useFakeTimers();
    const reported = failures();
    for (let n = 0; n < 5; n++) reported.report('identify', new Error('no database'), `client ${n}`);
    reported.report('identify', new Error('another failure'));
    jest.advanceTimersByTime(10_000);
    expect(lines).toEqual([
      'A callback of the application failed: identify (client 0).',
      'A callback of the application failed: identify.',
      'A callback of the application failed: identify (client 4). It happened 4 more times within 10 s.',
    ]);
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
