import { Module } from '@nestjs/common';
import { AccountsModule } from '../accounts/accounts.module.js';
import { RoomPermissions } from './room-permissions.js';
import { SseOptions } from './sse-options.js';

@Module({
  imports: [AccountsModule],
  providers: [RoomPermissions, SseOptions],
  exports: [RoomPermissions, SseOptions],
})
export class PermissionsModule {}
