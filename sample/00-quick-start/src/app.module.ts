import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-simple-sse';
import { PageFiles, SHARED_FILES } from '../../shared/page/page-files.js';
import { PageModule } from '../../shared/page/page.module.js';
import { ChatModule } from './chat/chat.module.js';
import { StatsModule } from './stats/stats.module.js';
import { StreamModule } from './stream/stream.module.js';

const PAGE = join(import.meta.dirname, 'public');
const UPLOT = dirname(createRequire(import.meta.url).resolve('uplot'));

@Module({
  imports: [
    SseModule.forRoot({
      heartbeatIntervalMs: 15_000,
      // Short, for the "cut" button of the page.
      retryMs: 2_000,
      // Presence: who is in each chat room. `StreamController.events` has stored the tab in the context.
      identify: ({ context: { tab } }) => tab && { user: tab.memberId, info: { nickname: tab.nickname } },
      presenceGraceMs: 6_000, // as `AWAY_AFTER_MS`
      rooms: { 'chat/*': { presence: true, presenceEvents: true } },
    }),
    StatsModule,
    ChatModule,
    StreamModule,
    PageModule.serving(new PageFiles(PAGE, SHARED_FILES, UPLOT)),
  ],
})
export class AppModule {}
