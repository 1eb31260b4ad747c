import { Controller, Get, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, SseService } from 'nestjs-simple-sse';
import type { AppEvents } from '../app.events.js';
import { chatRoom, ChatService } from '../chat/chat.service.js';
import { STATS_ROOM } from '../stats/stats.service.js';
import { CurrentTab, OwnerGuard, type TabRequest } from '../tab/owner.guard.js';
import type { Tab } from '../tab/tab.js';
import { TabService } from '../tab/tab.service.js';
import { chatRoomsToResume, OpenTabGuard } from './open-tab.guard.js';

/** The only stream of a browser tab: figures and all chat rooms of the tab. */
@Controller()
export class StreamController {
  constructor(
    private readonly sse: SseService<AppEvents>,
    private readonly tabs: TabService,
    private readonly chat: ChatService,
  ) {}

  @Get('events')
  @SseRoom(STATS_ROOM)
  @SseRoom((request) => chatRoomsToResume(request).map(chatRoom))
  @UseGuards(OpenTabGuard)
  events(@CurrentTab() tab: Tab, @Req() request: TabRequest, @ConnectedClient() client: SseClient): void {
    const token = this.tabs.attach(tab, client);
    this.chat.streamOpened(tab);
    this.sse.send(client, 'welcome', {
      clientId: client.id,
      token,
      memberId: tab.memberId,
      nickname: tab.nickname,
      at: Date.now(),
      startedAt: performance.timeOrigin,
      rooms: chatRoomsToResume(request).map((name) => this.chat.info(name)),
    });
  }

  /** Ends the stream as a network failure would. The page reconnects and resumes. */
  @Post('connection/cut')
  @HttpCode(204)
  @UseGuards(OwnerGuard)
  cut(@CurrentTab() tab: Tab): void {
    tab.client?.close();
  }
}
