import { type DynamicModule, Module } from '@nestjs/common';
import { SseModule } from 'nestjs-simple-sse';
import { sseOptions } from '../sse-options.js';
import { ControlController } from './control.controller.js';
import { NodeStatusService, NODES } from './node-status.service.js';
import type { SupervisedNode } from './supervised-node.js';

/** The control server: handles the page's buttons and publishes the state of the nodes. */
@Module({})
export class SupervisorModule {
  static of(nodes: readonly SupervisedNode[], redisUrl: string): DynamicModule {
    return {
      module: SupervisorModule,
      imports: [SseModule.forRoot(sseOptions(redisUrl))],
      controllers: [ControlController],
      providers: [NodeStatusService, { provide: NODES, useValue: nodes }],
    };
  }
}
