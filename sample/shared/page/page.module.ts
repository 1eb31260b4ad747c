import { type DynamicModule, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { PageController } from './page.controller.js';
import { PageFiles } from './page-files.js';
import { SecurityHeadersMiddleware } from './security-headers.middleware.js';

/** Serves a sample's page, and adds security headers to every response. */
@Module({ controllers: [PageController] })
export class PageModule implements NestModule {
  static serving(files: PageFiles): DynamicModule {
    return { module: PageModule, providers: [{ provide: PageFiles, useValue: files }] };
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(SecurityHeadersMiddleware).forRoutes('{*path}');
  }
}
