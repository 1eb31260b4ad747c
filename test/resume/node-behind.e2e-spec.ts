import type { HistoryPage, SseBroker } from 'nestjs-simple-sse';
import { WrappedMemoryBroker } from '../support/wrapped-memory-broker.js';
import { expectExactly, gapsOf, receivedUntil, readyOf, startTestApp, listenFrom } from './test-app.js';
import type { RunningApp } from '../support/running-app.js';

const OLD_EPOCH = '0000000a';

/** A broker of which another node has replaced the epoch, while this node still reports the old one. */
class BehindBroker extends WrappedMemoryBroker {
  #reportEpoch: (epoch: string) => void = () => {};
  #isBehind = true;
  /** The time in microseconds by which positions are ahead of this node's clock. */
  aheadUs = 0;

  override get epoch(): string {
    return this.#isBehind ? OLD_EPOCH : this.memory.epoch;
  }

  get trueEpoch(): string {
    return this.memory.epoch;
  }

  override start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    this.#reportEpoch = (epoch) => listener.onEpochChange(epoch);
    return super.start(policy, listener);
  }

  override async read(...args: Parameters<SseBroker['read']>): Promise<HistoryPage> {
    const page = await super.read(...args);
    return { ...page, position: page.position + this.aheadUs };
  }

  /** Reports the true epoch to this node. */
  catchUp(): void {
    this.#isBehind = false;
    this.#reportEpoch(this.memory.epoch);
  }
}

describe('a node that does not know the new epoch of another node yet', () => {
  let broker: BehindBroker;
  let running: RunningApp;

  beforeEach(async () => {
    broker = new BehindBroker();
    running = await startTestApp({ broker });
  });
  afterEach(() => running.close());

  const publish = (text: string): Promise<string | undefined> => running.sse.broadcast('a', text);

  it('resumes a client whose id is of the new epoch, and sends it no gap, now or later', async () => {
    const from = (await publish('known')) as string;
    expect(from.split('.')[1]).toBe(broker.trueEpoch);
    await publish('missed');
    const stream = await listenFrom(running, '/in?rooms=a', from);
    const first = await stream.nextEvent({ control: true });
    expect(readyOf([first])).toMatchObject({ resumed: 'full', id: from });
    broker.catchUp();
    await publish('now');
    const received = await receivedUntil(stream, 'now');
    expect(gapsOf(received)).toEqual([]);
    expectExactly(received, ['missed', 'now']);
  });

  it('sends a client of the old epoch one gap, when the node learns of the new one', async () => {
    const stream = await listenFrom(running, '/in?rooms=a');
    await stream.nextEvent({ control: true });
    broker.catchUp();
    await publish('now');
    expect(gapsOf(await receivedUntil(stream, 'now'))).toEqual([{ rooms: ['*', 'a'], reason: 'epoch' }]);
  });

  it('sends a gap to a client of a third epoch', async () => {
    const from = (await publish('known')) as string;
    const stream = await listenFrom(running, '/in?rooms=a', from.replace(broker.trueEpoch, 'ffffffff'));
    await publish('now');
    expect(gapsOf(await receivedUntil(stream, 'now'))).toEqual([{ rooms: ['*', 'a'], reason: 'epoch' }]);
  });

  it('accepts an id far ahead of its own clock where the broker is as far ahead', async () => {
    const hourUs = 3_600_000_000;
    broker.catchUp();
    const id = `1.${broker.trueEpoch}.${(broker.position + hourUs).toString(36)}`;
    const refused = await listenFrom(running, '/in?rooms=a', id);
    await refused.nextEvent({ control: true });
    expect(JSON.parse((await refused.nextEvent({ control: true })).data)).toMatchObject({
      reason: 'invalid',
    });
    broker.aheadUs = 2 * hourUs;
    const accepted = await listenFrom(running, '/in?rooms=a', id);
    expect(readyOf([await accepted.nextEvent({ control: true })])).toMatchObject({ resumed: 'full', id });
  });
});
