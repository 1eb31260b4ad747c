export { SseHttpApiModule } from './http-api.module.js';
export type {
  SseHttpApiKey,
  SseHttpApiOptions,
  SseHttpApiRouteOptions,
} from './http-api-options.interface.js';
export type { HttpApiCode, PublishFailure } from './publish-failure.js';
export type { PublishAnswer, PublishResult } from './publish.service.js';
