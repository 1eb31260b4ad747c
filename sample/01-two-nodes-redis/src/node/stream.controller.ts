import { Body, Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, SseService } from 'nestjs-simple-sse';
import { TextPipe } from '../../../shared/text.pipe.js';
import { type AppEvents, NODES_ROOM, ROOMS } from '../app.events.js';
import { CutService } from './cut.service.js';
import { NodeIdentity } from './node-identity.js';

const CLIENT_ID = new TextPipe('clientId', /^[0-9a-f-]{36}$/, 'as in the "welcome" event of your stream');

@Controller()
export class StreamController {
  constructor(
    private readonly sse: SseService<AppEvents>,
    private readonly node: NodeIdentity,
    private readonly cuts: CutService,
  ) {}

  /** The only stream of a tab: all rooms, and the state of the nodes. */
  @Get('events')
  @SseRoom([...ROOMS, NODES_ROOM])
  events(@ConnectedClient() client: SseClient): void {
    this.sse.send(client, 'welcome', { clientId: client.id, node: this.node.name, at: Date.now() });
  }

  /** Ends the stream as a network failure would. */
  @Post('connection/cut')
  @HttpCode(204)
  cut(@Body('clientId', CLIENT_ID) clientId: string): Promise<void> {
    return this.cuts.cut(clientId);
  }
}
