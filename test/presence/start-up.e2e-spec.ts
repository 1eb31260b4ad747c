import { MemoryBroker } from 'nestjs-simple-sse';
import { express } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { presenceApp } from './presence-app.js';

describe('an application with presence', () => {
  class SmallBroker extends MemoryBroker {
    override readonly presence = unchecked<MemoryBroker['presence']>(undefined);
    override readonly publishControl = unchecked<MemoryBroker['publishControl']>(undefined);
  }

  it('does not start without identify', async () => {
    const error = await sseRefusal(() => express.start(presenceApp({ identify: undefined })));
    expect([error.code, error.message]).toEqual(['invalid-options', expect.stringContaining('"identify"')]);
  });

  it('does not start with presence events in rooms without presence', async () => {
    const rooms = { chat: { presenceEvents: true } };
    const error = await sseRefusal(() => express.start(presenceApp({ rooms })));
    expect([error.code, error.message]).toEqual([
      'invalid-options',
      expect.stringContaining('presence: true'),
    ]);
  });

  it('does not start with a broker without presence', async () => {
    const error = await sseRefusal(() => express.start(presenceApp({ broker: new SmallBroker() })));
    expect(error.code).toBe('unsupported-by-broker');
  });

  it('works in all other respects with a broker without presence and control messages', async () => {
    const running = await express.start(presenceApp({ broker: new SmallBroker(), rooms: {} }));
    const stream = await running.listen('/rooms/chat?user=7');
    await running.sse.broadcast('chat', 'hello', 1);
    expect((await stream.nextEvent())?.event).toBe('hello');
    for (const call of [() => running.sse.disconnect('x'), () => running.sse.leave({ user: 7 }, 'chat')]) {
      expect((await sseRefusal(call)).code).toBe('unsupported-by-broker');
    }
    await running.close();
  });
});
