export { openTelemetryMetrics } from './open-telemetry-metrics.js';
export { openTelemetryTracing } from './open-telemetry-tracing.js';
