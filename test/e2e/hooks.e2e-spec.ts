import { SseModule } from 'nestjs-simple-sse';
import {
  CLOSE_HOOKS,
  hookApp,
  HooksController,
  HooksProvider,
  START_HOOKS,
  storedTexts,
  textsUntilEnd,
} from '../support/hook-app.js';
import { platforms } from '../support/platforms.js';
import { within } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

const layouts = [
  { layout: 'the module is global', module: () => hookApp(SseModule.forRoot()) },
  {
    layout: 'a feature module imports SseModule',
    module: () => hookApp(SseModule.forRoot(), [SseModule]),
  },
];

describe.each(platforms)("an event published in one of Nest's hooks on $name", (platform) => {
  let running: RunningApp;

  afterEach(() => running.close());

  describe.each(layouts)('where $layout', ({ module }) => {
    beforeEach(async () => {
      running = await platform.start(module());
    });

    it.each(START_HOOKS)('%s is accepted, and stored for clients that connect later', async (hook) => {
      for (const publisher of [running.get(HooksController), running.get(HooksProvider)]) {
        expect(await publisher.outcomes[hook]).toBe('accepted');
      }
      const texts = await storedTexts(running);
      expect(texts).toEqual(expect.arrayContaining([`controller ${hook}`, `provider ${hook}`]));
    });

    it('reaches clients before their streams end, from onModuleDestroy and beforeApplicationShutdown', async () => {
      const stream = await running.listen('/lobby');
      const received = textsUntilEnd(stream);
      await running.shutDown();
      expect((await within(received, 'the end of the stream')).toSorted()).toEqual([
        'controller beforeApplicationShutdown',
        'controller onModuleDestroy',
        'provider beforeApplicationShutdown',
        'provider onModuleDestroy',
      ]);
      expect(await stream.ended).toBe('whole');
    });

    it('is refused in onApplicationShutdown', async () => {
      await running.shutDown();
      for (const publisher of [running.get(HooksController), running.get(HooksProvider)]) {
        const outcomes = await Promise.all(CLOSE_HOOKS.map(async (hook) => publisher.outcomes[hook]));
        expect(outcomes).toEqual(['accepted', 'accepted', 'broker-closed']);
      }
    });
  });
});
