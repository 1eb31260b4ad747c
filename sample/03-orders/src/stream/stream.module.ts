import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { PermissionsModule } from './permissions.module.js';
import { StreamController } from './stream.controller.js';
import { TicketsController } from './tickets.controller.js';

@Module({
  imports: [AccountsModule, PermissionsModule],
  controllers: [StreamController, TicketsController],
})
export class StreamModule {}
