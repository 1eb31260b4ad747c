import { ways } from './ways.js';
import { Hall } from './hall.js';
import type { CloseReason } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const KIB = 1_024;
const BOUND = 64 * KIB;

describe.each(ways)('over $name, a client that reads is never too slow:', (way) => {
  let running: RunningApp;
  let hall: Hall;
  let reasons: CloseReason[];

  beforeAll(async () => {
    running = await way.start({ maxQueuedBytes: BOUND });
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  });
  beforeEach(async () => {
    reasons = [];
    hall = new Hall(running, way.connect);
    for (let n = 0; n < 2; n++) await hall.enter('hall');
  });
  afterEach(() => hall.leave());
  afterAll(() => way.stop(running));

  it('a burst in one turn: of several times maxQueuedBytes where the way takes it at once, else within it', async () => {
    // A coder works in later turns, and an HTTP/2 client opens its window in later turns: there a turn drains nothing.
    const drainsWithinTurn = !/compression\(\) to|streams of one session/.test(way.name);
    for (let n = 0; n < (drainsWithinTurn ? 256 : 48); n++)
      hall.publish('hall', 'n', `${n} ${'x'.repeat(KIB)}`);
    await hall.caughtUp();
    expect(reasons).toEqual([]);
    await hall.check();
  });

  it('an event larger than maxQueuedBytes, with a small one after it in the same turn', async () => {
    hall.publish('hall', 'large', 'x'.repeat(16 * BOUND));
    hall.publish('hall', 'small', '1');
    await hall.caughtUp();
    expect(reasons).toEqual([]);
    await hall.check();
  });

  it('an event larger than maxQueuedBytes, with small ones after it while it is on its way', async () => {
    hall.publish('hall', 'large', 'x'.repeat(64 * BOUND));
    for (let n = 0; n < 20; n++) {
      await new Promise(setImmediate);
      hall.publish('hall', 'small', `${n}`);
    }
    await hall.caughtUp();
    expect(reasons).toEqual([]);
    await hall.check();
  });
});

describe.each(ways.filter(({ name }) => /^HTTP\/1.1, /.test(name)))('over $name,', (way) => {
  // Larger than the parts in which large batches are written.
  const bound = 2 * BOUND;
  let running: RunningApp;

  beforeAll(async () => {
    running = await way.start({ maxQueuedBytes: bound });
  });
  afterAll(() => way.stop(running));

  it('a burst in one turn is cut only after the kernel and four times maxQueuedBytes are full', async () => {
    const reasons: CloseReason[] = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const hall = new Hall(running, way.connect);
    await hall.enter('hall');
    // A megabyte: with nothing of it in the kernel it would be more than may wait.
    for (let n = 0; n < 1_024; n++) hall.publish('hall', 'n', `${n} ${'x'.repeat(KIB)}`);
    expect(reasons).toEqual([]);
    await hall.caughtUp();
    await hall.check();
    await hall.leave();
  });
});
