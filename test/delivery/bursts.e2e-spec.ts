import { transports } from './transports.js';
import { DeliveryHarness } from './delivery-harness.js';
import type { CloseReason } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const KIB = 1_024;
const BOUND = 64 * KIB;

describe.each(transports)('a client that reads, over $name', (transport) => {
  let running: RunningApp;
  let harness: DeliveryHarness;
  let reasons: CloseReason[];

  beforeAll(async () => {
    running = await transport.start({ maxQueuedBytes: BOUND });
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
  });
  beforeEach(async () => {
    reasons = [];
    harness = new DeliveryHarness(running, transport.connect);
    for (let n = 0; n < 2; n++) await harness.connectClient('lobby');
  });
  afterEach(() => harness.disconnect());
  afterAll(() => transport.stop(running));

  it('receives a burst of one turn: several times maxQueuedBytes where the transport drains within the turn, less elsewhere', async () => {
    for (let n = 0; n < (transport.drainsWithinTurn ? 256 : 48); n++)
      harness.publish('lobby', 'n', `${n} ${'x'.repeat(KIB)}`);
    await harness.receivedAll();
    expect(reasons).toEqual([]);
    await harness.verify();
  });

  it('receives an event larger than maxQueuedBytes, and a small one after it in the same turn', async () => {
    harness.publish('lobby', 'large', 'x'.repeat(16 * BOUND));
    harness.publish('lobby', 'small', '1');
    await harness.receivedAll();
    expect(reasons).toEqual([]);
    await harness.verify();
  });

  it('receives an event larger than maxQueuedBytes, and small ones that follow in later turns', async () => {
    harness.publish('lobby', 'large', 'x'.repeat(64 * BOUND));
    for (let n = 0; n < 20; n++) {
      await new Promise(setImmediate);
      harness.publish('lobby', 'small', `${n}`);
    }
    await harness.receivedAll();
    expect(reasons).toEqual([]);
    await harness.verify();
  });
});

describe.each(transports.filter(({ name }) => /^HTTP\/1.1, /.test(name)))(
  'a burst of one turn, over $name,',
  (transport) => {
    // Larger than the parts into which a large batch is split.
    const bound = 2 * BOUND;
    let running: RunningApp;

    beforeAll(async () => {
      running = await transport.start({ maxQueuedBytes: bound });
    });
    afterAll(() => transport.stop(running));

    it('cuts no client before the kernel and four times maxQueuedBytes are full', async () => {
      const reasons: CloseReason[] = [];
      running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
      const harness = new DeliveryHarness(running, transport.connect);
      await harness.connectClient('lobby');
      // A megabyte: more than may be queued, unless the kernel accepts a part of it.
      for (let n = 0; n < 1_024; n++) harness.publish('lobby', 'n', `${n} ${'x'.repeat(KIB)}`);
      expect(reasons).toEqual([]);
      await harness.receivedAll();
      await harness.verify();
      await harness.disconnect();
    });
  },
);
