import { testApp, connectClient } from '../../test/support/test.controller.js';
import { express } from '../../test/support/platforms.js';
import { eventually, someTurns } from '../../test/support/within.js';
import { MemoryBroker } from '../broker/memory/memory-broker.js';
import type { BrokerListener, BrokerState, HistoryPolicy } from '../broker/broker.interface.js';
import { formatPosition } from '../protocol/position.js';
import { RoomMessage } from '../protocol/room-message.js';
import type { SseModuleOptions } from '../sse-module-options.interface.js';
import type { RunningApp } from '../../test/support/running-app.js';

/** Exposes its listener, through which a spec calls the node, and counts unsubscriptions. */
class ExposedBroker extends MemoryBroker {
  listener!: BrokerListener;
  unsubscribed = 0;

  override start(policy: HistoryPolicy, listener: BrokerListener): Promise<void> {
    this.listener = listener;
    return super.start(policy, listener);
  }

  override async unsubscribe(room: string): Promise<void> {
    this.unsubscribed++;
    await super.unsubscribe(room);
    if (room === 'stuck') throw new Error('the broker does not answer');
  }
}

describe('a node and its broker', () => {
  let broker: ExposedBroker;
  let running: RunningApp;
  let delivered: number[];

  async function start(options: SseModuleOptions = {}): Promise<void> {
    broker = new ExposedBroker();
    delivered = [];
    const metrics = {
      clientOpened: () => {},
      clientClosed: () => {},
      eventDelivered: (clients: number) => delivered.push(clients),
      volatileDropped: () => {},
    };
    running = await express.start(testApp({ options: { broker, metrics, ...options } }));
  }
  afterEach(async () => {
    await running.disconnectAll();
    await running.close();
  });

  it('sends sse:gap to the clients of a room whose events the broker lost, and names no other room', async () => {
    await start();
    const [one, two, plain] = [
      await connectClient(running, '/rooms/a'),
      await connectClient(running, '/rooms/b'),
      await connectClient(running),
    ];
    await one.client.join('c');
    broker.listener.onGap(['a', 'c', 'unknown']);
    await running.sse.broadcast('*', 'after', 1);
    for (const { stream } of [one, two, plain]) await stream.nextEvent();
    const gapsOf = ({ stream }: typeof one): unknown[] =>
      stream.events.filter(({ event }) => event === 'sse:gap').map(({ data }) => JSON.parse(data) as unknown);
    expect(gapsOf(one)).toEqual([{ rooms: ['a', 'c'], reason: 'trimmed' }]);
    expect([gapsOf(two), gapsOf(plain)]).toEqual([[], []]);
  });

  it('sends sse:gap and a new position to clients with a position when the broker begins a new epoch', async () => {
    await start();
    const [one, plain] = [await connectClient(running, '/rooms/a'), await connectClient(running)];
    broker.listener.onEpochChange('0a1b2c3d');
    const id = formatPosition('0a1b2c3d', broker.position);
    await eventually(() => one.stream.rawText.includes(`id: ${id}\n\n`), 'the new position');
    expect(one.stream.events.at(-1)).toMatchObject({
      event: 'sse:gap',
      data: '{"rooms":["*","a"],"reason":"epoch"}',
    });
    await someTurns();
    expect(plain.stream.events).toEqual([]);
  });

  it('emits the state of the broker', async () => {
    await start();
    const states: BrokerState[] = [];
    const subscription = running.sse.brokerState$.subscribe((state) => states.push(state));
    broker.listener.onStateChange('down');
    broker.listener.onStateChange('syncing');
    expect(states).toEqual(['live', 'down', 'syncing']);
    subscription.unsubscribe();
  });

  it.each([
    ['volatile', {}, { volatile: true }],
    ['without history', { history: false }, {}],
    ['with history', {}, {}],
  ])('an event of several rooms, %s, reaches each client once', async (_name, options, broadcast) => {
    await start(options);
    const both = await connectClient(running, '/rooms/a');
    await both.client.join('b');
    const second = await connectClient(running, '/rooms/b');
    await running.sse.broadcast(['a', 'b', 'c'], 'news', 1, broadcast);
    await running.sse.broadcast(['a', 'b'], 'last', 1, broadcast);
    for (const { stream } of [both, second]) {
      expect((await stream.nextEvents(2)).map(({ event }) => event)).toEqual(['news', 'last']);
      expect(stream.events.filter(({ event }) => event === 'news')).toHaveLength(1);
    }
    expect(delivered).toEqual([2, 2]);
  });

  it('logs a failed unsubscription, and the client is unaffected', async () => {
    await start();
    const { client } = await connectClient(running, '/rooms/stuck');
    client.leave('stuck');
    await eventually(() => running.logger.complaints.length > 0, 'the log');
    expect(running.logger.complaints.map(({ text }) => text).join()).toContain('the broker does not answer');
    expect([running.sse.rooms(), broker.unsubscribed, client.isClosed]).toEqual([[], 1, false]);
  });

  it('ignores a message for a room without clients', async () => {
    await start();
    broker.listener.onMessage(
      new RoomMessage(
        { event: undefined, data: 'x', serialized: false },
        { rooms: ['empty'], epoch: broker.epoch, position: broker.position, replayable: true },
      ),
    );
    expect([delivered, running.sse.rooms()]).toEqual([[0], []]);
  });
});
