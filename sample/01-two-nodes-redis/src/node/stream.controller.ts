import { Body, Controller, Get, Header, HttpCode, Param, Post } from '@nestjs/common';
import {
  ConnectedClient,
  type RoomDecision,
  SseClient,
  type SseMember,
  SseRoom,
  SseRoomChanges,
  SseService,
} from 'nestjs-simple-sse';
import { TextPipe } from '../../../shared/text.pipe.js';
import { type AppEvents, MATCHES, NODES_ROOM, ROOMS } from '../app.events.js';
import { CutService } from './cut.service.js';
import { NodeIdentity } from './node-identity.js';

const CLIENT_ID = new TextPipe('clientId', /^[0-9a-f-]{36}$/, 'as in the "welcome" event of your stream');
const MATCH = new TextPipe('number', /^[1-3]$/, '1 to 3');

@Controller()
export class StreamController {
  constructor(
    private readonly sse: SseService<AppEvents>,
    private readonly node: NodeIdentity,
    private readonly cuts: CutService,
  ) {}

  /** The only stream of a tab: all rooms, the state of the nodes, and later the matches that the page joins. */
  @Get('events')
  @SseRoom([...ROOMS, NODES_ROOM])
  events(@ConnectedClient() client: SseClient): void {
    this.sse.send(client, 'welcome', { clientId: client.id, node: this.node.name, at: Date.now() });
  }

  /** The page joins and leaves matches. nginx passes this to either node, and the stream may be on the other. */
  @Post('rooms')
  @Header('X-Node', process.env['NODE_NAME'] ?? '')
  @SseRoomChanges()
  rooms(): RoomDecision {
    return (room) => MATCHES.some((match) => match === room);
  }

  /** Who is in a match, on both nodes. */
  @Get('matches/:number/present')
  present(@Param('number', MATCH) number: string): Promise<SseMember[]> {
    return this.sse.presence(`match/${number}`);
  }

  /** Ends the stream as a network failure would. */
  @Post('connection/cut')
  @HttpCode(204)
  cut(@Body('clientId', CLIENT_ID) clientId: string): Promise<void> {
    return this.cuts.cut(clientId);
  }
}
