import { type DynamicModule, Module } from '@nestjs/common';
import { ShopOptions } from '../shop-options.js';
import { ShopDatabase } from './shop-database.js';

@Module({})
export class DatabaseModule {
  static of(options: ShopOptions): DynamicModule {
    return {
      module: DatabaseModule,
      global: true,
      providers: [{ provide: ShopOptions, useValue: options }, ShopDatabase],
      exports: [ShopOptions, ShopDatabase],
    };
  }
}
