import { CallbackFailures } from './callback-failures.js';
import { nodeMetrics, OPTIONAL_METRICS } from './node-metrics.js';

const required = (): Record<string, () => void> => ({
  clientOpened() {},
  clientClosed() {},
  eventDelivered() {},
  volatileDropped() {},
});

describe('nodeMetrics', () => {
  let reported: string[];
  const failures = (): CallbackFailures => new CallbackFailures((message) => reported.push(message));
  beforeEach(() => (reported = []));

  it('has no optional method without metrics, so that nothing is measured for them', () => {
    const none = nodeMetrics([], failures());
    expect(OPTIONAL_METRICS.length).toBeGreaterThan(10);
    for (const name of OPTIONAL_METRICS) expect(none[name]).toBeUndefined();
  });

  it('has no method that the metrics of the application lack', () => {
    const metrics = nodeMetrics([required() as never], failures());
    for (const name of OPTIONAL_METRICS) expect(metrics[name]).toBeUndefined();
  });

  it('calls each of several metrics with the same arguments, also after one that fails', async () => {
    const calls: unknown[] = [];
    const failing = { ...required(), gapSent: () => Promise.reject(new Error('no counter')) };
    const throwing = {
      ...required(),
      gapSent: () => {
        throw new Error('no counter either');
      },
    };
    const counting = { ...required(), gapSent: (...args: unknown[]) => calls.push(args) };
    nodeMetrics([failing, throwing, counting] as never[], failures()).gapSent?.('epoch', 3);
    await new Promise(setImmediate);
    expect(calls).toEqual([['epoch', 3]]);
    expect(reported).toEqual(Array(2).fill('A callback of the application failed: metrics.gapSent.'));
  });
});
