import { SharedLoads } from './shared-loads.js';

/** A load that a test settles. */
function pendingLoads(): { load: () => Promise<number>; settle: ((failed?: boolean) => void)[] } {
  const settle: ((failed?: boolean) => void)[] = [];
  const load = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const number = settle.length + 1;
      settle.push((failed = false) => (failed ? reject(new Error('failed')) : resolve(number)));
    });
  return { load, settle };
}

describe('SharedLoads', () => {
  it('a call during a load waits for the next one, which all such calls share', async () => {
    const loads = new SharedLoads<number>();
    const { load, settle } = pendingLoads();
    const first = loads.get('a', load);
    const later = [loads.get('a', load), loads.get('a', load)];
    expect(settle).toHaveLength(1);
    settle[0]?.();
    expect(await first).toBe(1);
    await new Promise(setImmediate);
    settle[1]?.();
    expect(await Promise.all(later)).toEqual([2, 2]);
    const third = loads.get('a', load);
    settle[2]?.();
    expect(await third).toBe(3);
  });

  it('a failed load fails its own calls only', async () => {
    const loads = new SharedLoads<number>();
    const { load, settle } = pendingLoads();
    const first = loads.get('a', load);
    const second = loads.get('a', load);
    settle[0]?.(true);
    await expect(first).rejects.toThrow('failed');
    await new Promise(setImmediate);
    settle[1]?.();
    expect(await second).toBe(2);
  });

  it('other keys have loads of their own', async () => {
    const loads = new SharedLoads<number>();
    const { load, settle } = pendingLoads();
    const both = [loads.get('a', load), loads.get('b', load)];
    for (const each of settle) each();
    expect(await Promise.all(both)).toEqual([1, 2]);
  });
});
