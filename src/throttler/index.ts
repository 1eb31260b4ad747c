export { SseThrottlerGuard } from './sse-throttler.guard.js';
