import { Module } from '@nestjs/common';
import { OwnerGuard } from './owner.guard.js';
import { TabService } from './tab.service.js';

@Module({ providers: [TabService, OwnerGuard], exports: [TabService, OwnerGuard] })
export class TabModule {}
