export {
  prometheusMetrics,
  type PrometheusMetricsOptions,
  type PrometheusRegistry,
} from './prometheus-metrics.js';
