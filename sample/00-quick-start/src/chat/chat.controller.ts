import { Body, Controller, Get, HttpCode, Param, Post, UseGuards } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import type { Numbered, Present, RoomInfo } from '../app.events.js';
import { CurrentTab, OwnerGuard } from '../tab/owner.guard.js';
import type { Tab } from '../tab/tab.js';
import { MESSAGE_TEXT, NICKNAME, ROOM_NAME } from './chat.input.js';
import { ChatService } from './chat.service.js';

@Controller('chat')
export class ChatController {
  constructor(private readonly chat: ChatService) {}

  @Get('rooms')
  rooms(): RoomInfo[] {
    return this.chat.list();
  }

  /** Listens without becoming a member: `curl -N localhost:3000/chat/rooms/lobby/events`. */
  @Get('rooms/:room/events')
  @SseRoom('chat/:room')
  events(@Param('room', ROOM_NAME) _room: string): void {}

  /** Who is in a room: `curl localhost:3000/chat/rooms/lobby/present`. */
  @Get('rooms/:room/present')
  present(@Param('room', ROOM_NAME) room: string): Promise<Present[]> {
    return this.chat.present(room);
  }

  @Post('rooms/:room/join')
  @HttpCode(200)
  @UseGuards(OwnerGuard)
  join(@CurrentTab() tab: Tab, @Param('room', ROOM_NAME) room: string): Promise<RoomInfo> {
    return this.chat.join(tab, room);
  }

  @Post('rooms/:room/leave')
  @HttpCode(200)
  @UseGuards(OwnerGuard)
  leave(@CurrentTab() tab: Tab, @Param('room', ROOM_NAME) room: string): RoomInfo {
    return this.chat.leave(tab, room);
  }

  @Post('rooms/:room/messages')
  @UseGuards(OwnerGuard)
  publishMessage(
    @CurrentTab() tab: Tab,
    @Param('room', ROOM_NAME) room: string,
    @Body('text', MESSAGE_TEXT) text: string,
  ): Promise<Numbered> {
    return this.chat.publishMessage(tab, room, text);
  }

  @Post('rooms/:room/typing')
  @HttpCode(204)
  @UseGuards(OwnerGuard)
  typing(@CurrentTab() tab: Tab, @Param('room', ROOM_NAME) room: string): Promise<void> {
    return this.chat.typing(tab, room);
  }

  @Post('nickname')
  @HttpCode(204)
  @UseGuards(OwnerGuard)
  rename(@CurrentTab() tab: Tab, @Body('nickname', NICKNAME) nickname: string): void {
    this.chat.rename(tab, nickname);
  }
}
