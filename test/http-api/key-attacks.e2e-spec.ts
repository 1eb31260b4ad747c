import { createHmac } from 'node:crypto';
import { SseHttpApiModule } from 'nestjs-simple-sse/http-api';
import { platforms } from '../support/platforms.js';
import { RawSocket } from '../support/raw-socket.js';
import { sseApp } from '../support/sse-app.js';
import type { RunningApp } from '../support/running-app.js';

const keyNamed = (name: string): string => createHmac('sha256', 'a test').update(name).digest('hex');
const [KEY, WRONG] = [keyNamed('one'), keyNamed('wrong')];
const BODY = JSON.stringify({ rooms: 'a', data: 1 });

describe.each(platforms)('an attack on the keys of the HTTP API, on $name,', (platform) => {
  let running: RunningApp;
  beforeEach(async () => {
    running = await platform.start(sseApp({ imports: [SseHttpApiModule.forRoot({ keys: [KEY] })] }));
  });
  afterEach(() => running.close());

  /** Status of a request with these header lines, as they are. */
  async function statusOf(
    lines: readonly string[],
    body = BODY,
    start = 'POST /sse/publish',
  ): Promise<number> {
    const socket = await RawSocket.connect(running.url);
    try {
      const own = ['Host: localhost', 'Content-Type: application/json', `Content-Length: ${body.length}`];
      socket.write(`${[`${start} HTTP/1.1`, ...own, ...lines].join('\r\n')}\r\n\r\n${body}`);
      await socket.receives(/^HTTP\/1\.1 \d{3}/);
      return Number(socket.received.slice(9, 12));
    } finally {
      socket.destroy();
    }
  }

  it('by a key in another place, or in a header twice, is answered with 400 or 401, and publishes nothing', async () => {
    const before = await running.sse.position();
    for (const lines of [
      [`Cookie: authorization=Bearer ${KEY}; key=${KEY}`],
      [`Proxy-Authorization: Bearer ${KEY}`],
      [`X-Authorization: Bearer ${KEY}`],
      [`X-Api-Key: ${KEY}`],
      [`Authorization: ${KEY}`],
      [`Authorization: Token ${KEY}`],
      [`Authorization: Bearer\t${KEY}`],
      [`Authorization: Bearer "${KEY}"`],
      [`Authorization: Bearer ${KEY}\u00a0`],
      [`Authorization: Bearer ${KEY},${WRONG}`],
      [`Authorization: Bearer ${WRONG}`, `Authorization: Bearer ${KEY}`],
      [`Authorization: Bearer ${' '.repeat(8_000)}x`],
      [`Authorization: Bearer ${'='.repeat(8_000)}`],
    ])
      expect([lines, [400, 401].includes(await statusOf(lines))]).toEqual([lines, true]);
    const inBody = JSON.stringify({ rooms: 'a', data: 1, authorization: `Bearer ${KEY}`, key: KEY });
    expect(await statusOf([], inBody)).toBe(401);
    expect(await running.sse.position()).toBe(before);
    expect(await statusOf([`Authorization: Bearer ${KEY}`])).toBe(200);
  });

  it('by another method, or a header that names one, is answered with 404 or 405, and publishes nothing', async () => {
    const before = await running.sse.position();
    const lines = [`Authorization: Bearer ${KEY}`, 'X-HTTP-Method-Override: POST', 'X-Method: POST'];
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD'])
      expect([method, [404, 405].includes(await statusOf(lines, BODY, `${method} /sse/publish`))]).toEqual([
        method,
        true,
      ]);
    expect(await running.sse.position()).toBe(before);
  });

  it('by a form of another site, which no preflight precedes, is refused before its key is of use', async () => {
    const before = await running.sse.position();
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
    ]) {
      const answer = await fetch(`${running.url}/sse/publish`, {
        method: 'POST',
        headers: { 'content-type': type, authorization: `Bearer ${KEY}`, origin: 'https://evil.example' },
        body: BODY,
      });
      expect([type, answer.status]).toEqual([type, 415]);
    }
    expect(await running.sse.position()).toBe(before);
  });
});
