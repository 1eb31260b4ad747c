import { Controller, Get, HttpCode, NotFoundException, Param, Post, UseGuards } from '@nestjs/common';
import type { NodesStatus, NodeName } from '../app.events.js';
import { NodeStatusService } from './node-status.service.js';
import { SameOriginGuard } from '../../../shared/same-origin.guard.js';
import type { SupervisedNode } from './supervised-node.js';

@Controller('nodes')
@UseGuards(SameOriginGuard)
export class ControlController {
  constructor(private readonly nodes: NodeStatusService) {}

  @Get()
  all(): NodesStatus {
    return this.nodes.statuses();
  }

  @Post(':name/kill')
  @HttpCode(204)
  kill(@Param('name') name: string): void {
    this.node(name).kill();
  }

  @Post(':name/start')
  @HttpCode(204)
  start(@Param('name') name: string): void {
    this.node(name).start();
  }

  private node(name: string): SupervisedNode {
    const node = this.nodes.node(name as NodeName);
    if (node === undefined) throw new NotFoundException(`There is no node ${name}`);
    return node;
  }
}
