import { Module } from '@nestjs/common';
import { AccountsController } from './accounts.controller.js';
import { AccountsRepository } from './accounts.repository.js';
import { FailedSignIns } from './failed-sign-ins.js';
import { SessionsRepository } from './sessions.repository.js';
import { OperatorGuard, SignedInGuard, StaffGuard } from './signed-in.guard.js';

const PROVIDERS = [AccountsRepository, SessionsRepository, SignedInGuard, StaffGuard, OperatorGuard];

@Module({
  controllers: [AccountsController],
  providers: [...PROVIDERS, FailedSignIns],
  exports: PROVIDERS,
})
export class AccountsModule {}
