import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { describeUnless } from '../support/describe-unless.js';
import { express, fastify, http2Platforms, type Platform, type StartOptions } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { requestOverHttp2 } from '../support/raw-response.js';
import { sseApp } from '../support/sse-app.js';
import { throwAwayCertificate, throwAwayKey } from '../support/throw-away-certificate.js';
import { eventually, within } from '../support/within.js';
import { DeliveryHarness, type Connect } from './delivery-harness.js';
import { DeliveryController, streamPath } from './delivery.controller.js';
import { RawConnection } from './raw-connection.js';
import { ReceivedStream } from './received-stream.js';
import { SlowLink } from './slow-link.js';
import type { CloseReason } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const MIB = 1_048_576;
const WRITE_TIMEOUT_MS = 1_000;
/** More than the kernel buffers of both ends. */
const PUBLISHED = 16 * MIB;
/**
 * 400 KB/s. Clients of loopback acknowledge about 95 KB at a time, which is four times in `WRITE_TIMEOUT_MS`; a third of the
 * server's buffer takes more than twice `WRITE_TIMEOUT_MS`.
 */
const STEADY = { bytes: 20_000, everyMs: 50 };
const STEADY_TIMES = (4 * WRITE_TIMEOUT_MS) / STEADY.everyMs;

let link: SlowLink;
let session: ClientHttp2Session | undefined;

const http1: Connect = (_running, rooms) => RawConnection.tcp(link.port).get(streamPath(rooms)).answer();
const tls: Connect = (_running, rooms) => RawConnection.tls(link.port).get(streamPath(rooms)).answer();

/** With windows as large as a browser's, so that the kernel's buffer is what fills up. */
const http2: Connect = async (running, rooms) => {
  const url = running.url.replace(/\d+$/, String(link.port));
  session = connectHttp2(url, { rejectUnauthorized: false, settings: { initialWindowSize: 64 * MIB } });
  session.on('error', () => {}).once('connect', (connected) => connected.setLocalWindowSize(64 * MIB));
  return new ReceivedStream(
    await within(requestOverHttp2(session, url + streamPath(rooms), {}), 'the head of an answer'),
  );
};

interface Case {
  readonly name: string;
  readonly platform: Platform;
  readonly connect: Connect;
  readonly eventBytes: number;
  readonly start?: StartOptions;
}

const cases: readonly Case[] = [
  { name: 'large events', platform: express, connect: http1, eventBytes: 4 * MIB },
  { name: 'small events', platform: fastify, connect: http1, eventBytes: 2_000 },
  {
    name: 'TLS and middle-sized events',
    platform: express,
    connect: tls,
    eventBytes: 50_000,
    start: { nest: { httpsOptions: { key: throwAwayKey, cert: throwAwayCertificate } } },
  },
  ...http2Platforms.map((platform, n) => ({
    name: n === 0 ? 'small events' : 'large events',
    platform,
    connect: http2,
    eventBytes: n === 0 ? 2_000 : 4 * MIB,
  })),
];

const notLinux =
  process.platform === 'linux' ? undefined : 'only Linux lists the unacknowledged bytes of a connection';

describeUnless(notLinux, 'a client whose full socket hides that it reads', () => {
  describe.each(cases)('on $platform.name with $name', ({ platform, connect, eventBytes, start }) => {
    let running: RunningApp;
    let harness: DeliveryHarness;
    let reasons: CloseReason[];

    beforeEach(async () => {
      const options = {
        heartbeatIntervalMs: false,
        writeTimeoutMs: WRITE_TIMEOUT_MS,
        maxQueuedBytes: 2 * PUBLISHED,
      } as const;
      running = await platform.start(sseApp({ controllers: [DeliveryController], options }), start);
      link = await SlowLink.to(portOf(running.server));
      harness = new DeliveryHarness(running, connect);
      reasons = [];
      running.sse.disconnected$.subscribe(({ reason }) => reasons.push(reason));
    });

    afterEach(async () => {
      session?.destroy();
      session = undefined;
      await link.close();
      await harness.disconnect();
      await running.close();
    });

    it('stays connected while it reads steadily, and is disconnected as write-timeout once it stops', async () => {
      await harness.connectClient('lobby');
      link.pause();
      for (let sent = 0; sent < PUBLISHED; sent += eventBytes)
        await running.sse.broadcast('lobby', 'n', 'x'.repeat(eventBytes));
      await link.readSteadily(STEADY_TIMES, STEADY);
      expect(reasons).toEqual([]);
      await eventually(() => reasons.length > 0, 'the end of a client that has stopped reading');
      expect(reasons).toEqual(['write-timeout']);
    });
  });
});
