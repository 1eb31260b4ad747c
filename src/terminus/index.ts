export {
  SseHealthIndicator,
  type SseHealthResult,
  type SseReadinessOptions,
} from './sse-health.indicator.js';
