import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause, someTurns } from '../support/within.js';
import { UnixSocketListener, socketFull } from './unix-socket-listener.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { DeliveryHarness } from './delivery-harness.js';
import { transports } from './transports.js';
import type { ServerResponse } from 'node:http';
import type { RunningApp } from '../support/running-app.js';

describe.each(transports)('app.close(), over $name', (transport) => {
  let running: RunningApp;

  afterEach(() => transport.stop(running));

  it('delivers a burst of the same turn before the streams end whole', async () => {
    running = await transport.start({ shutdownGraceMs: 20_000 });
    const harness = new DeliveryHarness(running, transport.connect);
    for (let n = 0; n < 3; n++) await harness.connectClient('lobby');
    for (let n = 0; n < 500; n++)
      harness.publish('lobby', 'n', `${n} ${Math.random().toString(36).repeat(100)}`);
    const closed = running.app.close();
    await harness.verify();
    for (const client of harness.clients) await client.endsAs('whole');
    await closed;
  });
});

describe.each(platforms)('a response that the application ends, on $name,', (platform) => {
  it('receives nothing after its last chunk, though much was queued', async () => {
    const running = await platform.start(
      sseApp({
        controllers: [DeliveryController],
        options: { heartbeatIntervalMs: 20, maxQueuedBytes: 10_000_000 },
      }),
    );
    const listener = await UnixSocketListener.open(running);
    let response: ServerResponse | undefined;
    running.server.on('request', (_request: unknown, its: ServerResponse) => (response = its));
    const { reader, socket } = listener.connectRaw().get(streamPath(['lobby']));
    reader.pause();
    let received = '';
    reader.onBytes((bytes) => (received += bytes.toString('latin1')));
    await eventually(() => running.sse.count() === 1, 'the client');
    for (let n = 0; n < 20; n++) {
      await running.sse.broadcast('lobby', 'n', 'x'.repeat(50_000));
      await someTurns(1);
    }
    await socketFull(listener.newest);
    response?.end();
    for (let n = 0; n < 20; n++) await running.sse.broadcast('lobby', 'n', 'x'.repeat(50_000));
    reader.resume();
    await eventually(() => received.includes('\r\n0\r\n\r\n') && running.sse.count() === 0, 'the end');
    await running.sse.broadcast('*', 'n', 'afterwards');
    await pause(50);
    expect(received.slice(received.indexOf('\r\n0\r\n\r\n'))).toBe('\r\n0\r\n\r\n');
    socket.destroy();
    await listener.close();
    await running.close();
  });
});
