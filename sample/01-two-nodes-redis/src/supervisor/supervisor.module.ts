import { type DynamicModule, Module } from '@nestjs/common';
import { SseModule } from 'nestjs-simple-sse';
import { sseOptions } from '../sse-options.js';
import { ControlController } from './control.controller.js';
import { FleetService, NODES } from './fleet.service.js';
import type { SupervisedNode } from './supervised-node.js';

/** What the page's buttons reach, and who tells the page how the nodes are. */
@Module({})
export class SupervisorModule {
  static of(nodes: readonly SupervisedNode[], redisUrl: string): DynamicModule {
    return {
      module: SupervisorModule,
      imports: [SseModule.forRoot(sseOptions(redisUrl))],
      controllers: [ControlController],
      providers: [FleetService, { provide: NODES, useValue: nodes }],
    };
  }
}
