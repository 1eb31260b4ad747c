import type { SseMetrics } from '../../metrics/sse-metrics.interface.js';

/** Runs a call to a broker. */
export type RunBrokerCall = <T>(call: 'publish' | 'read', run: () => Promise<T>) => Promise<T>;

/** Measures calls to a broker, if the metrics count them. */
export function measuredCalls({ brokerCalled }: Pick<SseMetrics, 'brokerCalled'>): RunBrokerCall {
  if (brokerCalled === undefined) return (_call, run) => run();
  return async (call, run) => {
    const startMs = performance.now();
    try {
      const result = await run();
      brokerCalled(call, 'ok', performance.now() - startMs);
      return result;
    } catch (error) {
      brokerCalled(call, 'failed', performance.now() - startMs);
      throw error;
    }
  };
}
