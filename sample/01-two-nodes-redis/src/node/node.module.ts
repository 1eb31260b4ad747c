import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { SseModule } from 'nestjs-simple-sse';
import { SseAdminModule } from 'nestjs-simple-sse/admin';
import { PageFiles, SHARED_FILES } from '../../../shared/page/page-files.js';
import { PageModule } from '../../../shared/page/page.module.js';
import { sseOptions } from '../sse-options.js';
import { CutService } from './cut.service.js';
import { DeliveryCounter } from './delivery-counter.js';
import { FiguresService } from './figures.service.js';
import { NodeIdentity } from './node-identity.js';
import { OperatorGuard } from './operator.guard.js';
import { PublisherService } from './publisher.service.js';
import { StreamController } from './stream.controller.js';

const PAGE = join(import.meta.dirname, '../public');

/** One node: serves the page and streams, and publishes. It does not depend on the number of nodes. */
@Module({})
export class NodeModule {
  static of(identity: NodeIdentity): DynamicModule {
    const counter = new DeliveryCounter();
    return {
      module: NodeModule,
      imports: [
        SseModule.forRoot(sseOptions(identity.redisUrl, counter)),
        SseAdminModule.forRoot({
          guards: [new OperatorGuard(identity.operatorPassword)],
          nodeName: `node ${identity.name}`,
        }),
        PageModule.serving(new PageFiles(PAGE, SHARED_FILES)),
      ],
      controllers: [StreamController],
      providers: [
        { provide: NodeIdentity, useValue: identity },
        { provide: DeliveryCounter, useValue: counter },
        FiguresService,
        PublisherService,
        CutService,
      ],
    };
  }
}
