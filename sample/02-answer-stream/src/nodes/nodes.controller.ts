import { Controller, HttpCode, NotFoundException, Param, Post, UseGuards } from '@nestjs/common';
import { SameOriginGuard } from '../../../shared/same-origin.guard.js';
import { TextPipe } from '../../../shared/text.pipe.js';
import type { NodeName } from '../app.events.js';
import { KillService } from './kill.service.js';
import { NodeIdentity } from './node-identity.js';

const NAME = new TextPipe('name', /^[AB]$/, 'A or B');

@Controller('nodes')
@UseGuards(SameOriginGuard)
export class NodesController {
  constructor(
    private readonly killer: KillService,
    private readonly node: NodeIdentity,
  ) {}

  /** Kills a node of the two. 404 where there is only one, since nothing would start it again. */
  @Post(':name/kill')
  @HttpCode(204)
  async kill(@Param('name', NAME) name: string): Promise<void> {
    if (this.node.name === undefined) throw new NotFoundException('There is only one node');
    await this.killer.kill(name as NodeName);
  }
}
