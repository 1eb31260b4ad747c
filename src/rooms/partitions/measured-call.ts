import type { SseMetrics } from '../../metrics/sse-metrics.interface.js';

/** Runs a call to a broker. */
export type RunBrokerCall = <T>(call: 'publish' | 'read', run: () => Promise<T>) => Promise<T>;

/** Measures calls to a broker, if the metrics count them. */
export function measuredCalls({ brokerCalled }: Pick<SseMetrics, 'brokerCalled'>): RunBrokerCall {
  if (brokerCalled === undefined) return (_call, run) => run();
  // Called for each event: one promise more than without metrics, where an async function would make three.
  return (call, run) => {
    const startMs = performance.now();
    return run().then(
      (result) => {
        brokerCalled(call, 'ok', performance.now() - startMs);
        return result;
      },
      (error: unknown) => {
        brokerCalled(call, 'failed', performance.now() - startMs);
        throw error;
      },
    );
  };
}
