import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause, someTurns } from '../support/within.js';
import { Door, full } from './door.js';
import { HallController } from './hall.controller.js';
import { Hall } from './hall.js';
import { hallPath, ways } from './ways.js';
import type { ServerResponse } from 'node:http';
import type { RunningApp } from '../support/running-app.js';

describe.each(ways)('over $name, the end of the application', (way) => {
  let running: RunningApp;

  afterEach(() => way.stop(running));

  it('comes after a burst of the same turn, and every stream ends whole', async () => {
    running = await way.start({ shutdownGraceMs: 20_000 });
    const hall = new Hall(running, way.connect);
    for (let n = 0; n < 3; n++) await hall.enter('hall');
    for (let n = 0; n < 500; n++) hall.publish('hall', 'n', `${n} ${Math.random().toString(36).repeat(100)}`);
    const closed = running.app.close();
    await hall.check();
    for (const guest of hall.guests) await guest.endsAs('whole');
    await closed;
  });
});

describe.each(platforms)('a response that the application itself ends, on $name,', (platform) => {
  it('is over for the module too: nothing follows the last chunk, though much waited', async () => {
    const running = await platform.start(
      sseApp({
        controllers: [HallController],
        options: { heartbeatIntervalMs: 20, maxQueuedBytes: 10_000_000 },
      }),
    );
    const door = await Door.open(running);
    let response: ServerResponse | undefined;
    running.server.on('request', (_request: unknown, its: ServerResponse) => (response = its));
    const { valve, socket } = door.knock().get(hallPath(['hall']));
    valve.shut();
    let received = '';
    valve.lead((bytes) => (received += bytes.toString('latin1')));
    await eventually(() => running.sse.count() === 1, 'the client');
    for (let n = 0; n < 20; n++) {
      await running.sse.broadcast('hall', 'n', 'x'.repeat(50_000));
      await someTurns(1);
    }
    await full(door.newest);
    response?.end();
    for (let n = 0; n < 20; n++) await running.sse.broadcast('hall', 'n', 'x'.repeat(50_000));
    valve.open();
    await eventually(() => received.includes('\r\n0\r\n\r\n') && running.sse.count() === 0, 'the end');
    await running.sse.broadcast('*', 'n', 'afterwards');
    await pause(50);
    expect(received.slice(received.indexOf('\r\n0\r\n\r\n'))).toBe('\r\n0\r\n\r\n');
    socket.destroy();
    await door.close();
    await running.close();
  });
});
