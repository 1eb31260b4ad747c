import { Controller, Get, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { SseRoom, SseService } from 'nestjs-simple-sse';
import { CollectingLogger } from '../support/collecting-logger.js';
import { openStream } from '../support/event-stream.js';
import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { sseRefusal } from '../support/refusal.js';
import type { INestApplication } from '@nestjs/common';

@Controller()
class EventsController {
  @Get('events')
  @SseRoom('room')
  events(): void {}
}

@Module({ controllers: [EventsController] })
class AppModule {}

describe.each(platforms)('without SseModule on $name', (platform) => {
  it('start-up fails with the cure', async () => {
    const error = await sseRefusal(() => platform.start(AppModule));
    expect(error).toMatchObject({
      code: 'module-not-imported',
      message: expect.stringContaining('Import SseModule.forRoot()') as unknown,
    });
  });

  it('a mock of SseService answers 500 with the cure in the log', async () => {
    const providers = [{ provide: SseService, useValue: { broadcast: () => Promise.resolve() } }];
    const testing = await Test.createTestingModule({ controllers: [EventsController], providers }).compile();
    const logger = new CollectingLogger();
    const app: INestApplication = testing.createNestApplication(platform.adapter(), { logger });
    await app.listen(0, '127.0.0.1');
    const answer = await openStream(`http://127.0.0.1:${portOf(app.getHttpServer())}/events`);
    expect(answer.status).toBe(500);
    answer.close();
    expect(logger.complaints.map(({ text }) => text).join()).toContain('SseService is a mock');
    await app.close();
  });
});
