import { MemoryBroker, SseError, type PublishReceipt, type SseBroker } from 'nestjs-simple-sse';
import { HashedPartitions } from '../support/hashed-partitions.js';
import { positionsOf } from '../support/wire-ids.js';
import { gapsOf, receivedUntil, readyOf, startTestApp, textsOf, listenFrom } from './test-app.js';
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
  let partitions: HashedPartitions;
  let running: RunningApp;

  beforeEach(async () => {
    partitions = new HashedPartitions(3, () => new FragileBroker());
    running = await startTestApp({ broker: partitions });
  });
  afterEach(() => running.close());

  const publish = async (rooms: string | string[], text: string, options = {}): Promise<string> =>
    (await running.sse.broadcast(rooms, undefined, text, options)) as string;
  const broken = (room: string): FragileBroker =>
    partitions.partitions[partitions.partitionOf(room)] as FragileBroker;

  it('is tested with rooms of different partitions', () => {
    expect(['a', 'b', 'c'].map((room) => partitions.partitionOf(room)).toSorted(byNumber)).toEqual([0, 1, 2]);
  });

  it('gives one id that names where the client stands in all of them, and resumes it there', async () => {
    const stream = await listenFrom(running, '/in?rooms=a,b,c');
    await publish('a', 'a1');
    await publish('b', 'b1');
    const received = await receivedUntil(stream, 'b1');
    expect([...positionsOf(readyOf(received).id as string).keys()]).toEqual([0, 1, 2]);
    stream.close();
    for (const text of ['a2', 'b2', 'c2', 'a3']) await publish(text[0] as string, text);
    const back = await listenFrom(running, '/in?rooms=a,b,c', received.at(-1)?.id);
    await publish('a', 'now');
    const missed = await receivedUntil(back, 'now');
    expect(readyOf(missed)).toMatchObject({ resumed: 'full', id: received.at(-1)?.id });
    expect(textsOf(missed).toSorted()).toEqual(['a2', 'a3', 'b2', 'c2', 'now']);
    const ofA = textsOf(missed).filter((text) => text !== 'b2' && text !== 'c2');
    expect(ofA).toEqual(['a2', 'a3', 'now']);
  });

  it('tells each client once of an event in rooms of several partitions, live and on resume', async () => {
    const from = await publish('a', 'known');
    const live = await listenFrom(running, '/in?rooms=a,b,c');
    const onlyC = await listenFrom(running, '/in?rooms=c');
    const id = await publish(['c', 'a', 'b'], 'everywhere');
    expect([...positionsOf(id).keys()]).toEqual([0, 1, 2]);
    for (const room of ['a', 'b', 'c']) await publish(room, `end of ${room}`);
    const resumed = await listenFrom(running, '/in?rooms=a,b,c', from);
    for (const room of ['a', 'b', 'c']) await publish(room, `now in ${room}`);
    const all = [await receivedUntil(live, 'now in c'), await receivedUntil(resumed, 'now in c')];
    for (const received of [...all, await receivedUntil(onlyC, 'now in c')]) {
      expect(textsOf(received).filter((text) => text === 'everywhere')).toHaveLength(1);
    }
  });

  it('can be resumed from the id that broadcast returned, in rooms of other partitions too', async () => {
    const id = await publish('b', 'known');
    await publish('a', 'a1');
    await publish('c', 'c1');
    const stream = await listenFrom(running, '/in?rooms=a,b,c', id);
    await publish('c', 'now');
    const received = await receivedUntil(stream, 'now');
    expect(readyOf(received)).toMatchObject({ resumed: 'full', id });
    expect(textsOf(received).toSorted()).toEqual(['a1', 'c1', 'now']);
  });

  it('gives a page the position of its rooms', async () => {
    const room = ['a', 'b', 'c'].find((name) => partitions.partitionOf(name) !== partitions.partitionOf('*'));
    const position = await running.sse.position([room as string]);
    const expected = ['*', room as string].map((name) => partitions.partitionOf(name));
    expect([...positionsOf(position as string).keys()]).toEqual(expected.toSorted(byNumber));
    await publish(room as string, 'missed');
    const stream = await listenFrom(running, `/in?rooms=${room}&lastEventId=${position}`);
    await publish(room as string, 'now');
    expect(textsOf(await receivedUntil(stream, 'now'))).toEqual(['missed', 'now']);
  });

  it('that lost the memory of one tells a gap in its rooms alone, and goes on in the others', async () => {
    const stream = await listenFrom(running, '/in?rooms=a,b,c');
    const before = readyOf(await receivedUntil((await publish('a', 'first'), stream), 'first')).id;
    broken('a').forget();
    const gap = await stream.nextEvent({ control: true });
    const lost = ['*', 'a'].filter((room) => partitions.partitionOf(room) === partitions.partitionOf('a'));
    expect(JSON.parse(gap.data)).toEqual({ rooms: lost, reason: 'epoch' });
    await publish('b', 'b1');
    stream.close();
    const back = await listenFrom(running, '/in?rooms=a,b,c', before);
    await publish('c', 'now');
    const received = await receivedUntil(back, 'now');
    expect(readyOf(received)).toMatchObject({ resumed: 'partial', id: before });
    expect(gapsOf(received)).toEqual([{ rooms: lost, reason: 'epoch' }]);
    expect(textsOf(received)).toEqual(['b1', 'now']);
  });

  it('refuses what one of them refuses, and a retry with the same key completes it', async () => {
    const [first, , last] = ['a', 'b', 'c'].toSorted(
      (x, y) => partitions.partitionOf(x) - partitions.partitionOf(y),
    );
    const streams = [
      await listenFrom(running, `/in?rooms=${first}`),
      await listenFrom(running, '/in?rooms=a,b,c'),
    ];
    broken(last as string).isDown = true;
    const options = { idempotencyKey: 'key' };
    await expect(publish(['a', 'b', 'c'], 'halfway', options)).rejects.toMatchObject({
      code: 'broker-unavailable',
    });
    broken(last as string).isDown = false;
    const third = await listenFrom(running, `/in?rooms=${last}`);
    await publish(['a', 'b', 'c'], 'halfway', options);
    for (const room of ['a', 'b', 'c']) await publish(room, `now in ${room}`);
    for (const [stream, end] of [
      ...streams.map((each) => [each, `now in ${first}`] as const),
      [third, `now in ${last}`] as const,
    ]) {
      expect(textsOf(await receivedUntil(stream, end)).filter((text) => text === 'halfway')).toHaveLength(1);
    }
  });

  it('reports the worst state of any', async () => {
    const states: string[] = [];
    running.sse.brokerState$.subscribe((state) => states.push(state));
    expect(states).toEqual(['live']);
  });

  it('ignores an id of a broker without partitions, and says so', async () => {
    const stream = await listenFrom(running, '/in?rooms=a', '1.0a1b2c3d.hoejuhuh9i');
    await publish('a', 'now');
    const received = await receivedUntil(stream, 'now');
    expect(gapsOf(received)).toEqual([{ rooms: ['*', 'a'], reason: 'invalid' }]);
  });
});
