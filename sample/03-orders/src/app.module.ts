import { join } from 'node:path';
import { type DynamicModule, type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import cookieParser from 'cookie-parser';
import { SseModule } from 'nestjs-simple-sse';
import { SseAdminModule } from 'nestjs-simple-sse/admin';
import { PageFiles, SHARED_FILES } from '../../shared/page/page-files.js';
import { PageModule } from '../../shared/page/page.module.js';
import { AccountsModule } from './accounts/accounts.module.js';
import { OperatorGuard } from './accounts/signed-in.guard.js';
import { DatabaseModule } from './database/database.module.js';
import { ImportsModule } from './imports/imports.module.js';
import { NotificationsModule } from './notifications/notifications.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { ProductsModule } from './products/products.module.js';
import { ShopOptions } from './shop-options.js';
import { StationController } from './station.controller.js';
import { PermissionsModule } from './stream/permissions.module.js';
import { SseOptions } from './stream/sse-options.js';
import { StreamModule } from './stream/stream.module.js';

const PAGE = join(import.meta.dirname, 'public');

@Module({})
export class AppModule implements NestModule {
  static of(options: Partial<ShopOptions>): DynamicModule {
    return {
      module: AppModule,
      controllers: [StationController],
      imports: [
        DatabaseModule.of(new ShopOptions(options)),
        SseModule.forRootAsync({ imports: [PermissionsModule], useExisting: SseOptions }),
        SseAdminModule.forRoot({ guards: [OperatorGuard], imports: [AccountsModule] }),
        AccountsModule,
        ProductsModule,
        OrdersModule,
        NotificationsModule,
        ImportsModule,
        StreamModule,
        PageModule.serving(new PageFiles(PAGE, SHARED_FILES)),
      ],
    };
  }

  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(cookieParser()).forRoutes('{*path}');
  }
}
