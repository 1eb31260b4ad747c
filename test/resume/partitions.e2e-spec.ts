import { MemoryBroker, SseError, type PublishReceipt, type SseBroker } from 'nestjs-simple-sse';
import { Partitions } from './partitions.js';
import { positionsOf } from './roaming-page.js';
import { gapsOf, heardUntil, readyOf, startDesk, textsOf, visitWith } from './resume-desk.js';
import type { RunningApp } from '../support/running-app.js';

/** A broker that loses its memory, or cannot be reached, when told to. */
class FragileBroker extends MemoryBroker {
  isDown = false;
  #tellEpoch: (epoch: string) => void = () => {};

  override start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    this.#tellEpoch = (epoch) => listener.onEpochChange(epoch);
    return super.start(policy, listener);
  }

  override async publish(...args: Parameters<SseBroker['publish']>): Promise<PublishReceipt> {
    if (this.isDown) throw new SseError('broker-unavailable', 'It is down.');
    return super.publish(...args);
  }

  forget(): void {
    Object.assign(this, { epoch: '0000000f' });
    this.#tellEpoch(this.epoch);
  }
}

const byNumber = (a: number, b: number): number => a - b;

describe('a broker with partitions', () => {
  let partitions: Partitions;
  let running: RunningApp;

  beforeEach(async () => {
    partitions = new Partitions(3, () => new FragileBroker());
    running = await startDesk({ broker: partitions });
  });
  afterEach(() => running.close());

  const say = async (rooms: string | string[], text: string, options = {}): Promise<string> =>
    (await running.sse.broadcast(rooms, undefined, text, options)) as string;
  const broken = (room: string): FragileBroker =>
    partitions.partitions[partitions.partitionOf(room)] as FragileBroker;

  it('is tested with rooms of different partitions', () => {
    expect(['a', 'b', 'c'].map((room) => partitions.partitionOf(room)).toSorted(byNumber)).toEqual([0, 1, 2]);
  });

  it('gives one id that names where the client stands in all of them, and resumes it there', async () => {
    const stream = await visitWith(running, '/in?rooms=a,b,c');
    await say('a', 'a1');
    await say('b', 'b1');
    const heard = await heardUntil(stream, 'b1');
    expect([...positionsOf(readyOf(heard).id as string).keys()]).toEqual([0, 1, 2]);
    stream.close();
    for (const text of ['a2', 'b2', 'c2', 'a3']) await say(text[0] as string, text);
    const back = await visitWith(running, '/in?rooms=a,b,c', heard.at(-1)?.id);
    await say('a', 'now');
    const missed = await heardUntil(back, 'now');
    expect(readyOf(missed)).toMatchObject({ resumed: 'full', id: heard.at(-1)?.id });
    expect(textsOf(missed).toSorted()).toEqual(['a2', 'a3', 'b2', 'c2', 'now']);
    const ofA = textsOf(missed).filter((text) => text !== 'b2' && text !== 'c2');
    expect(ofA).toEqual(['a2', 'a3', 'now']);
  });

  it('tells each client once of an event in rooms of several partitions, live and on resume', async () => {
    const from = await say('a', 'known');
    const live = await visitWith(running, '/in?rooms=a,b,c');
    const onlyC = await visitWith(running, '/in?rooms=c');
    const id = await say(['c', 'a', 'b'], 'everywhere');
    expect([...positionsOf(id).keys()]).toEqual([0, 1, 2]);
    for (const room of ['a', 'b', 'c']) await say(room, `end of ${room}`);
    const resumed = await visitWith(running, '/in?rooms=a,b,c', from);
    for (const room of ['a', 'b', 'c']) await say(room, `now in ${room}`);
    const all = [await heardUntil(live, 'now in c'), await heardUntil(resumed, 'now in c')];
    for (const heard of [...all, await heardUntil(onlyC, 'now in c')]) {
      expect(textsOf(heard).filter((text) => text === 'everywhere')).toHaveLength(1);
    }
  });

  it('can be resumed from the id that broadcast returned, in rooms of other partitions too', async () => {
    const id = await say('b', 'known');
    await say('a', 'a1');
    await say('c', 'c1');
    const stream = await visitWith(running, '/in?rooms=a,b,c', id);
    await say('c', 'now');
    const heard = await heardUntil(stream, 'now');
    expect(readyOf(heard)).toMatchObject({ resumed: 'full', id });
    expect(textsOf(heard).toSorted()).toEqual(['a1', 'c1', 'now']);
  });

  it('gives a page the position of its rooms', async () => {
    const room = ['a', 'b', 'c'].find((name) => partitions.partitionOf(name) !== partitions.partitionOf('*'));
    const position = await running.sse.position([room as string]);
    const expected = ['*', room as string].map((name) => partitions.partitionOf(name));
    expect([...positionsOf(position as string).keys()]).toEqual(expected.toSorted(byNumber));
    await say(room as string, 'missed');
    const stream = await visitWith(running, `/in?rooms=${room}&lastEventId=${position}`);
    await say(room as string, 'now');
    expect(textsOf(await heardUntil(stream, 'now'))).toEqual(['missed', 'now']);
  });

  it('that lost the memory of one tells a gap in its rooms alone, and goes on in the others', async () => {
    const stream = await visitWith(running, '/in?rooms=a,b,c');
    const before = readyOf(await heardUntil((await say('a', 'first'), stream), 'first')).id;
    broken('a').forget();
    const gap = await stream.nextEvent({ control: true });
    const lost = ['*', 'a'].filter((room) => partitions.partitionOf(room) === partitions.partitionOf('a'));
    expect(JSON.parse(gap.data)).toEqual({ rooms: lost, reason: 'epoch' });
    await say('b', 'b1');
    stream.close();
    const back = await visitWith(running, '/in?rooms=a,b,c', before);
    await say('c', 'now');
    const heard = await heardUntil(back, 'now');
    expect(readyOf(heard)).toMatchObject({ resumed: 'partial', id: before });
    expect(gapsOf(heard)).toEqual([{ rooms: lost, reason: 'epoch' }]);
    expect(textsOf(heard)).toEqual(['b1', 'now']);
  });

  it('refuses what one of them refuses, and a retry with the same key completes it', async () => {
    const [first, , last] = ['a', 'b', 'c'].toSorted(
      (x, y) => partitions.partitionOf(x) - partitions.partitionOf(y),
    );
    const streams = [
      await visitWith(running, `/in?rooms=${first}`),
      await visitWith(running, '/in?rooms=a,b,c'),
    ];
    broken(last as string).isDown = true;
    const options = { idempotencyKey: 'key' };
    await expect(say(['a', 'b', 'c'], 'halfway', options)).rejects.toMatchObject({
      code: 'broker-unavailable',
    });
    broken(last as string).isDown = false;
    const third = await visitWith(running, `/in?rooms=${last}`);
    await say(['a', 'b', 'c'], 'halfway', options);
    for (const room of ['a', 'b', 'c']) await say(room, `now in ${room}`);
    for (const [stream, end] of [
      ...streams.map((each) => [each, `now in ${first}`] as const),
      [third, `now in ${last}`] as const,
    ]) {
      expect(textsOf(await heardUntil(stream, end)).filter((text) => text === 'halfway')).toHaveLength(1);
    }
  });

  it('reports the worst state of any', async () => {
    const states: string[] = [];
    running.sse.brokerState$.subscribe((state) => states.push(state));
    expect(states).toEqual(['live']);
  });

  it('ignores an id of a broker without partitions, and says so', async () => {
    const stream = await visitWith(running, '/in?rooms=a', '1.0a1b2c3d.hoejuhuh9i');
    await say('a', 'now');
    const heard = await heardUntil(stream, 'now');
    expect(gapsOf(heard)).toEqual([{ rooms: ['*', 'a'], reason: 'invalid' }]);
  });
});
