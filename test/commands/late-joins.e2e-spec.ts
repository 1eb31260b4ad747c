import { jest } from '@jest/globals';
import { MemoryBroker, type SseClient, type SseModuleOptions } from 'nestjs-simple-sse';
import { PresenceController, presenceApp } from '../presence/presence-app.js';
import { platforms } from '../support/platforms.js';
import { sseRefusal } from '../support/refusal.js';
import type { RunningApp } from '../support/running-app.js';
import { eventually, someTurns } from '../support/within.js';

/** Work that waits until a test lets it go on. */
class Gate {
  open: () => void = () => {};
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));
}

describe.each(platforms)('a join that waits on its node for longer than the call, on $name,', (platform) => {
  let running: RunningApp;
  let gate: Gate;
  let opening: Promise<unknown> | undefined;
  beforeEach(() => {
    gate = new Gate();
  });
  afterEach(async () => {
    gate.open();
    await opening;
    opening = undefined;
    await running.disconnectAll();
    await running.close();
  });

  const start = async (options: SseModuleOptions): Promise<void> => {
    running = await platform.start(presenceApp({ presenceGraceMs: false, ...options }));
  };
  const newest = async (): Promise<SseClient> => {
    const { clients } = running.get(PresenceController);
    await eventually(() => clients.length > 0, 'the client');
    return clients.at(-1) as SseClient;
  };
  const openStream = async (): Promise<SseClient> => {
    const stream = await running.listen('/rooms/one?user=7');
    await stream.nextEvent({ control: true });
    return newest();
  };

  const waits: [string, () => Promise<SseClient>][] = [
    [
      'for the application',
      async () => {
        await start({ authorizeRoom: () => gate.opened.then(() => true) });
        return openStream();
      },
    ],
    [
      'for the opening of the stream',
      async () => {
        await start({ authorizeRoom: () => true });
        opening = running.open('/slow/one?user=7');
        const client = await newest();
        void gate.opened.then(() => running.get(PresenceController).release());
        return client;
      },
    ],
    [
      'for an earlier replay',
      async () => {
        const broker = new MemoryBroker();
        await start({ broker });
        const client = await openStream();
        const read = broker.read.bind(broker);
        jest.spyOn(broker, 'read').mockImplementation((...args) => gate.opened.then(() => read(...args)));
        void client.join('earlier', { replay: 1 });
        return client;
      },
    ],
  ];
  const lateJoin = async (id: string): Promise<void> => {
    const { code } = await sseRefusal(() => running.sse.join(id, 'late', { timeoutMs: 50, replay: 1 }));
    expect(code).toBe('broker-unavailable');
  };

  it.each(waits)('%s, does not undo a leave that has settled since', async (_name, waiting) => {
    const client = await waiting();
    await lateJoin(client.id);
    expect(await running.sse.leave(client.id, 'late')).toBe(1);
    gate.open();
    // A later join of another room waits for as long.
    expect(await running.sse.join(client.id, 'end', { timeoutMs: 60_000, replay: 1 })).toBe(1);
    await someTurns();
    expect(client.in('late')).toBe(false);
  });

  it.each(waits)('%s, counts where the client has left another room', async (_name, waiting) => {
    const client = await waiting();
    await lateJoin(client.id);
    expect(await running.sse.leave(client.id, 'other')).toBe(1);
    gate.open();
    await eventually(() => client.in('late'), 'the join');
  });

  it.each(waits)('%s, leaves a join after the leave as it is', async (_name, waiting) => {
    const client = await waiting();
    await lateJoin(client.id);
    expect(await running.sse.leave(client.id, '*')).toBe(1);
    const later = running.sse.join(client.id, 'late', { timeoutMs: 60_000 });
    gate.open();
    expect(await later).toBe(1);
    expect(client.in('late')).toBe(true);
  });
});
