import { DeliveryHarness } from './delivery-harness.js';
import { deliveryCases } from './delivery-cases.js';
import { writeLogs } from './patched-responses.js';
import { expectSameBytes } from './expected-event.js';
import { transports } from './transports.js';
import type { RunningApp } from '../support/running-app.js';

describe.each(transports)('delivery over $name, byte for byte', (transport) => {
  let running: RunningApp;
  let harness: DeliveryHarness;

  beforeAll(async () => {
    running = await transport.start();
  });
  beforeEach(() => {
    harness = new DeliveryHarness(running, transport.connect);
  });
  afterEach(async () => {
    for (const { received } of harness.clients) {
      const log = received.headers['x-write-log'];
      if (log !== undefined) expectSameBytes(Buffer.concat(writeLogs[Number(log)] ?? []), received.body);
    }
    await harness.disconnect();
    expect(running.logger.complaints).toEqual([]);
  });
  afterAll(() => transport.stop(running));

  it.each(deliveryCases)(
    '$promise',
    async ({ run }) => {
      await run(harness);
      await harness.verify();
    },
    60_000,
  );
});
