import { MemoryBroker, SseError, type PublishReceipt, type SseBroker } from 'nestjs-simple-sse';
import { HashedPartitions } from '../support/hashed-partitions.js';
import { positionsOf } from '../support/wire-ids.js';
import { gapsOf, receivedUntil, readyOf, startTestApp, textsOf, listenFrom } from './test-app.js';
import type { RunningApp } from '../support/running-app.js';

/** A broker that loses its history, or is unavailable, as a test demands. */
class FragileBroker extends MemoryBroker {
  isDown = false;
  #reportEpoch: (epoch: string) => void = () => {};

  override start(...[policy, listener]: Parameters<SseBroker['start']>): Promise<void> {
    this.#reportEpoch = (epoch) => listener.onEpochChange(epoch);
    return super.start(policy, listener);
  }

  override async publish(...args: Parameters<SseBroker['publish']>): Promise<PublishReceipt> {
    if (this.isDown) throw new SseError('broker-unavailable', 'It is down.');
    return super.publish(...args);
  }

  loseHistory(): void {
    Object.assign(this, { epoch: '0000000f' });
    this.#reportEpoch(this.epoch);
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
  const brokerOf = (room: string): FragileBroker =>
    partitions.partitions[partitions.partitionOf(room)] as FragileBroker;

  it('has the rooms of these tests in different partitions', () => {
    expect(['a', 'b', 'c'].map((room) => partitions.partitionOf(room)).toSorted(byNumber)).toEqual([0, 1, 2]);
  });

  it('gives clients an id with their position in each partition, and resumes them there', async () => {
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

  it('delivers an event in rooms of several partitions to each client once, live and on resume', async () => {
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

  it('resumes a client from the id that broadcast returned, also in rooms of other partitions', async () => {
    const id = await publish('b', 'known');
    await publish('a', 'a1');
    await publish('c', 'c1');
    const stream = await listenFrom(running, '/in?rooms=a,b,c', id);
    await publish('c', 'now');
    const received = await receivedUntil(stream, 'now');
    expect(readyOf(received)).toMatchObject({ resumed: 'full', id });
    expect(textsOf(received).toSorted()).toEqual(['a1', 'c1', 'now']);
  });

  it('returns from position() the positions of the given rooms', async () => {
    const room = ['a', 'b', 'c'].find((name) => partitions.partitionOf(name) !== partitions.partitionOf('*'));
    const position = await running.sse.position([room as string]);
    const expected = ['*', room as string].map((name) => partitions.partitionOf(name));
    expect([...positionsOf(position as string).keys()]).toEqual(expected.toSorted(byNumber));
    await publish(room as string, 'missed');
    const stream = await listenFrom(running, `/in?rooms=${room}&lastEventId=${position}`);
    await publish(room as string, 'now');
    expect(textsOf(await receivedUntil(stream, 'now'))).toEqual(['missed', 'now']);
  });

  it('reports a gap only in the rooms of a partition that lost its history', async () => {
    const stream = await listenFrom(running, '/in?rooms=a,b,c');
    const before = readyOf(await receivedUntil((await publish('a', 'first'), stream), 'first')).id;
    brokerOf('a').loseHistory();
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

  it('rejects a publish that one partition rejects, and completes it on a retry with the same idempotency key', async () => {
    const [first, , last] = ['a', 'b', 'c'].toSorted(
      (x, y) => partitions.partitionOf(x) - partitions.partitionOf(y),
    );
    const streams = [
      await listenFrom(running, `/in?rooms=${first}`),
      await listenFrom(running, '/in?rooms=a,b,c'),
    ];
    brokerOf(last as string).isDown = true;
    const options = { idempotencyKey: 'key' };
    await expect(publish(['a', 'b', 'c'], 'halfway', options)).rejects.toMatchObject({
      code: 'broker-unavailable',
    });
    brokerOf(last as string).isDown = false;
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

  it('reports the worst state of all partitions', async () => {
    const states: string[] = [];
    running.sse.brokerState$.subscribe((state) => states.push(state));
    expect(states).toEqual(['live']);
  });

  it('sends a gap to a client with an id of a broker without partitions', async () => {
    const stream = await listenFrom(running, '/in?rooms=a', '1.0a1b2c3d.hoejuhuh9i');
    await publish('a', 'now');
    const received = await receivedUntil(stream, 'now');
    expect(gapsOf(received)).toEqual([{ rooms: ['*', 'a'], reason: 'invalid' }]);
  });
});
