import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { SseModule } from 'nestjs-simple-sse';
import { ChatModule } from './chat/chat.module.js';
import { PageModule } from './page/page.module.js';
import { SecurityHeadersMiddleware } from './page/security-headers.middleware.js';
import { StatsModule } from './stats/stats.module.js';
import { StreamModule } from './stream/stream.module.js';

@Module({
  imports: [
    // A short `retry:` so that the "cut" button of the page is answered soon.
    SseModule.forRoot({ heartbeatIntervalMs: 15_000, retryMs: 2_000 }),
    StatsModule,
    ChatModule,
    StreamModule,
    PageModule,
  ],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(SecurityHeadersMiddleware).forRoutes('{*path}');
  }
}
