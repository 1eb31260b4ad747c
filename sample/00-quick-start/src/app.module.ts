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
    // A short reconnection time, for the "cut" button of the page.
    SseModule.forRoot({ heartbeatIntervalMs: 15_000, retryMs: 2_000 }),
    StatsModule,
    ChatModule,
    StreamModule,
    PageModule.serving(new PageFiles(PAGE, SHARED_FILES, UPLOT)),
  ],
})
export class AppModule {}
