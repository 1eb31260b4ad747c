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
