import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { http2Platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { requestOverHttp2 } from '../support/raw-response.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, pause, within } from '../support/within.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { ReceivedStream } from './received-stream.js';
import { SlowLink } from './slow-link.js';
import type { CloseReason, SseModuleOptions } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const MIB = 1_048_576;
/** More than the kernel buffers of both ends. */
const PUBLISHED = 16 * MIB;

/**
 * With windows as large as a browser's, the buffer of the connection is full before that of a stream: nothing more can be
 * sent to such a client, not even the end of a stream.
 */
describe.each(http2Platforms)('a client whose whole connection is full, on $name,', (platform) => {
  let running: RunningApp;
  let link: SlowLink;
  let session: ClientHttp2Session;
  let reasons: CloseReason[];

  async function start(options: SseModuleOptions): Promise<void> {
    running = await platform.start(
      sseApp({
        controllers: [DeliveryController],
        options: { heartbeatIntervalMs: false, maxQueuedBytes: 2 * PUBLISHED, ...options },
      }),
    );
    link = await SlowLink.to(portOf(running.server));
    reasons = [];
    running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    const url = running.url.replace(/\d+$/, String(link.port));
    session = connectHttp2(url, { rejectUnauthorized: false, settings: { initialWindowSize: 64 * MIB } });
    session.on('error', () => {}).once('connect', (connected) => connected.setLocalWindowSize(64 * MIB));
    const stream = await within(requestOverHttp2(session, url + streamPath(['lobby']), {}), 'a head');
    stream.body.resume();
    await eventually(() => running.sse.count() === 1, 'the client');
    link.pause();
    for (let sent = 0; sent < PUBLISHED; sent += MIB) await running.sse.broadcast('lobby', 'x'.repeat(MIB));
  }

  function connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      running.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
    });
  }

  async function loseConnection(): Promise<void> {
    session.destroy();
    await link.close();
  }

  afterEach(async () => {
    await loseConnection();
    await running.close();
  });

  it('does not hold up app.close() beyond the grace time', async () => {
    await start({ shutdownGraceMs: 200 });
    await within(running.shutDown(), 'the close of the application');
    expect(reasons).toEqual(['shutdown']);
  });

  it('does not hold up app.close() after it was disconnected as write-timeout', async () => {
    await start({ shutdownGraceMs: 200, writeTimeoutMs: 500 });
    await eventually(() => reasons.length > 0, 'the write timeout');
    expect(reasons).toEqual(['write-timeout']);
    await within(running.shutDown(), 'the close of the application');
  });

  it('leaves no connection behind when it is lost', async () => {
    await start({ writeTimeoutMs: 500 });
    await loseConnection();
    await eventually(async () => (await connections()) === 0, 'the end of its connection');
    expect(reasons.filter((reason) => !['client-gone', 'write-timeout'].includes(reason))).toEqual([]);
    expect(running.sse.count()).toBe(0);
  });

  it('leaves no connection behind when it does not read for writeTimeoutMs, and then again', async () => {
    await start({ writeTimeoutMs: 500 });
    await eventually(async () => (await connections()) === 0, 'the end of its connection');
    expect(reasons).toEqual(['write-timeout']);
  });

  it('keeps its connection and other streams when it reads again after one of them was cut', async () => {
    await start({ writeTimeoutMs: 2_000 });
    await eventually(() => reasons.length > 0, 'the write timeout');
    await link.readSteadily(1, { bytes: Infinity, everyMs: 0 });
    const url = running.url.replace(/\d+$/, String(link.port));
    const other = new ReceivedStream(
      await within(requestOverHttp2(session, url + streamPath(['kitchen']), {}), 'another head'),
    );
    await pause(4_000);
    await running.sse.broadcast('kitchen', 'still', 1);
    await eventually(() => other.body.includes('still'), 'an event on the same connection');
    expect(reasons).toEqual(['write-timeout']);
    expect(session.destroyed).toBe(false);
  });
});
