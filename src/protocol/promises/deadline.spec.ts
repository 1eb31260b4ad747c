import { jest } from '@jest/globals';
import { settledWithin, untilAborted, withinDeadline } from './deadline.js';

const never = new Promise<never>(() => {});
const late = (): Error => new Error('late');

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;

describe('a deadline', () => {
  it('settles like work that is in time', async () => {
    expect(await withinDeadline(Promise.resolve(1), 60_000, late)).toBe(1);
    expect(await withinDeadline(1, 60_000, late)).toBe(1);
    await expect(withinDeadline(Promise.reject(new Error('failed')), 60_000, late)).rejects.toThrow('failed');
    await settledWithin(Promise.reject(new Error('failed')), 60_000);
  });

  it('rejects, or settles, where the work takes too long', async () => {
    await expect(withinDeadline(never, 1, late)).rejects.toThrow('late');
    await settledWithin(never, 1);
  });

  it('ignores a rejection of work that is late', async () => {
    let fail!: (error: Error) => void;
    const work = new Promise<never>((_resolve, reject) => (fail = reject));
    await expect(withinDeadline(work, 1, late)).rejects.toThrow('late');
    fail(new Error('too late to be reported'));
    await new Promise(setImmediate);
  });

  it('leaves no timer that keeps the process alive', async () => {
    const before = timers();
    void settledWithin(never, 60_000);
    expect(timers()).toBe(before);
  });
});

describe('work that a signal can end', () => {
  it('settles like the work before the signal aborts, and leaves no listener', async () => {
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    expect(await untilAborted(Promise.resolve(1), signal)).toBe(1);
    await expect(untilAborted(Promise.reject(new Error('failed')), signal)).rejects.toThrow('failed');
    await new Promise(setImmediate);
    expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(
      add.mock.calls.map(([, listener]) => listener),
    );
  });

  it('rejects with the reason of the signal once it aborts, also where it has before', async () => {
    const controller = new AbortController();
    const work = untilAborted(never, controller.signal);
    controller.abort(new Error('gone'));
    await expect(work).rejects.toThrow('gone');
    await expect(untilAborted(never, controller.signal)).rejects.toThrow('gone');
  });
});
