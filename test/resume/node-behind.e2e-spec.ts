import { MemoryBroker, type HistoryPage, type SseBroker } from 'nestjs-simple-sse';
import { expectExactly, gapsOf, heardUntil, readyOf, startDesk, visitWith } from './resume-desk.js';
import type { RunningApp } from '../support/running-app.js';

const OLD_EPOCH = '0000000a';

/** A node's view of a memory that began anew, while the node has not heard of it yet. */
class BehindBroker implements SseBroker {
  readonly #memory = new MemoryBroker();
  #tellEpoch: (epoch: string) => void = () => {};
  #isBehind = true;
  /** How far ahead of this node's clock the memory gives its positions. */
  aheadUs = 0;

  get epoch(): string {
    return this.#isBehind ? OLD_EPOCH : this.#memory.epoch;
  }

  get position(): number {
    return this.#memory.position;
  }

  get trueEpoch(): string {
    return this.#memory.epoch;
  }

  start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    this.#tellEpoch = (epoch) => listener.onEpochChange(epoch);
    return this.#memory.start(policy, listener);
  }

  publish(...args: Parameters<SseBroker['publish']>): ReturnType<SseBroker['publish']> {
    return this.#memory.publish(...args);
  }

  subscribe(room: string): void {
    this.#memory.subscribe(room);
  }

  unsubscribe(room: string): Promise<void> {
    return this.#memory.unsubscribe(room);
  }

  async read(...args: Parameters<SseBroker['read']>): Promise<HistoryPage> {
    const page = await this.#memory.read(...args);
    return { ...page, position: page.position + this.aheadUs };
  }

  close(): Promise<void> {
    return this.#memory.close();
  }

  hear(): void {
    this.#isBehind = false;
    this.#tellEpoch(this.#memory.epoch);
  }
}

describe('a node that has not heard yet of what another node knows', () => {
  let broker: BehindBroker;
  let running: RunningApp;

  beforeEach(async () => {
    broker = new BehindBroker();
    running = await startDesk({ broker });
  });
  afterEach(() => running.close());

  const say = (text: string): Promise<string | undefined> => running.sse.broadcast('a', text);

  it('resumes a client whose id is of the new memory, and tells it of no gap, now or later', async () => {
    const from = (await say('known')) as string;
    expect(from.split('.')[1]).toBe(broker.trueEpoch);
    await say('missed');
    const stream = await visitWith(running, '/in?rooms=a', from);
    const first = await stream.nextEvent({ control: true });
    expect(readyOf([first])).toMatchObject({ resumed: 'full', id: from });
    broker.hear();
    await say('now');
    const heard = await heardUntil(stream, 'now');
    expect(gapsOf(heard)).toEqual([]);
    expectExactly(heard, ['missed', 'now']);
  });

  it('tells a client of the old memory once, when it hears of the new one', async () => {
    const stream = await visitWith(running, '/in?rooms=a');
    await stream.nextEvent({ control: true });
    broker.hear();
    await say('now');
    expect(gapsOf(await heardUntil(stream, 'now'))).toEqual([{ rooms: ['*', 'a'], reason: 'epoch' }]);
  });

  it('still tells a gap to a client of a third memory', async () => {
    const from = (await say('known')) as string;
    const stream = await visitWith(running, '/in?rooms=a', from.replace(broker.trueEpoch, 'ffffffff'));
    await say('now');
    expect(gapsOf(await heardUntil(stream, 'now'))).toEqual([{ rooms: ['*', 'a'], reason: 'epoch' }]);
  });

  it('believes an id from far ahead of its own clock, if the memory is as far', async () => {
    const hourUs = 3_600_000_000;
    broker.hear();
    const id = `1.${broker.trueEpoch}.${(broker.position + hourUs).toString(36)}`;
    const refused = await visitWith(running, '/in?rooms=a', id);
    await refused.nextEvent({ control: true });
    expect(JSON.parse((await refused.nextEvent({ control: true })).data)).toMatchObject({
      reason: 'invalid',
    });
    broker.aheadUs = 2 * hourUs;
    const believed = await visitWith(running, '/in?rooms=a', id);
    expect(readyOf([await believed.nextEvent({ control: true })])).toMatchObject({ resumed: 'full', id });
  });
});
