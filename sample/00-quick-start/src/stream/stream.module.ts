import { Module } from '@nestjs/common';
import { ChatModule } from '../chat/chat.module.js';
import { TabModule } from '../tab/tab.module.js';
import { StreamController } from './stream.controller.js';

@Module({ imports: [TabModule, ChatModule], controllers: [StreamController] })
export class StreamModule {}
