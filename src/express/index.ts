export { SseExpressAdapter } from './sse-express.adapter.js';
