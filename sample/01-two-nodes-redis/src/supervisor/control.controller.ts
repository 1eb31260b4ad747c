import { Controller, Get, HttpCode, NotFoundException, Param, Post, UseGuards } from '@nestjs/common';
import type { Fleet, NodeName } from '../app.events.js';
import { FleetService } from './fleet.service.js';
import { OwnPageGuard } from './own-page.guard.js';
import type { SupervisedNode } from './supervised-node.js';

@Controller('nodes')
@UseGuards(OwnPageGuard)
export class ControlController {
  constructor(private readonly fleet: FleetService) {}

  @Get()
  all(): Fleet {
    return this.fleet.fleet();
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
    const node = this.fleet.node(name as NodeName);
    if (node === undefined) throw new NotFoundException(`There is no node ${name}`);
    return node;
  }
}
