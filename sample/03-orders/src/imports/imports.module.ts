import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { ProductsModule } from '../products/products.module.js';
import { ImportsController } from './imports.controller.js';
import { ImportsService } from './imports.service.js';

@Module({
  imports: [AccountsModule, ProductsModule],
  controllers: [ImportsController],
  providers: [ImportsService],
})
export class ImportsModule {}
