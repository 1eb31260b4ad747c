import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { SseModule } from 'nestjs-simple-sse';
import { redisBroker } from 'nestjs-simple-sse/redis';
import { PageFiles, SHARED_FILES } from '../../shared/page/page-files.js';
import { PageModule } from '../../shared/page/page.module.js';
import { AnswersController } from './answers/answers.controller.js';
import { WriterService } from './answers/writer.service.js';
import { ImportsController } from './imports/imports.controller.js';
import { ImportsService } from './imports/imports.service.js';
import { KillService } from './nodes/kill.service.js';
import { NodeIdentity } from './nodes/node-identity.js';
import { NodesController } from './nodes/nodes.controller.js';

const PAGE = join(import.meta.dirname, 'public');

/** One node. It does not depend on the number of nodes: only the broker is another one. */
@Module({})
export class AppModule {
  static of(node: NodeIdentity): DynamicModule {
    const { redisUrl: url } = node;
    return {
      module: AppModule,
      imports: [
        SseModule.forRoot({
          ...(url !== undefined && { broker: redisBroker({ url, requireBroker: true }) }),
          heartbeatIntervalMs: 15_000,
          // Short, for a quick reconnect in the sample, and for a quick end of the runs of a killed node.
          retryMs: 1_000,
          runs: { leaseMs: 4_000, maxDurationMs: 300_000, maxRuns: 200 },
        }),
        PageModule.serving(new PageFiles(PAGE, SHARED_FILES)),
      ],
      controllers: [AnswersController, ImportsController, NodesController],
      providers: [{ provide: NodeIdentity, useValue: node }, WriterService, ImportsService, KillService],
    };
  }
}
