import { Hall } from './hall.js';
import { list } from './list.js';
import { witnessed } from './patched-writes.js';
import { sameBytes } from './hall.js';
import { ways } from './ways.js';
import type { RunningApp } from '../support/running-app.js';

describe.each(ways)('over $name, what clients receive is what was sent, byte for byte:', (way) => {
  let running: RunningApp;
  let hall: Hall;

  beforeAll(async () => {
    running = await way.start();
  });
  beforeEach(() => {
    hall = new Hall(running, way.connect);
  });
  afterEach(async () => {
    for (const { receiver } of hall.guests) {
      const witness = receiver.headers['x-witness'];
      if (witness !== undefined) sameBytes(Buffer.concat(witnessed[Number(witness)] ?? []), receiver.body);
    }
    await hall.leave();
    expect(running.logger.complaints).toEqual([]);
  });
  afterAll(() => way.stop(running));

  it.each(list)(
    '$promise',
    async ({ play }) => {
      await play(hall);
      await hall.check();
    },
    60_000,
  );
});
