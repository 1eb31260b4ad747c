import { Agent, get } from 'node:http';
import { once } from 'node:events';
import { Controller, Get } from '@nestjs/common';
import { SseRoom } from 'nestjs-simple-sse';
import { platforms } from '../support/platforms.js';
import { portOf } from '../support/port-of.js';
import { sseApp } from '../support/sse-app.js';
import { eventually } from '../support/within.js';
import { RawConnection } from './raw-connection.js';
import type { Socket } from 'node:net';
import type { RunningApp } from '../support/running-app.js';

const STREAMS = 12;

/** Streams that end by themselves, so that their connection can carry the next. */
@Controller()
class EndingController {
  @Get('large')
  @SseRoom()
  async *large(): AsyncGenerator<string> {
    for (let n = 0; n < 20; n++) yield 'x'.repeat(100_000);
  }

  @Get('short')
  @SseRoom()
  short(): string {
    return 'the only one';
  }
}

describe.each(platforms)('a connection that carries one stream after another, on $name,', (platform) => {
  let running: RunningApp;
  let sockets: Socket[];

  beforeAll(async () => {
    running = await platform.start(sseApp({ controllers: [EndingController] }));
    running.server.on('connection', (socket: Socket) => sockets.push(socket));
  });
  beforeEach(() => {
    sockets = [];
  });
  afterAll(() => running.close());

  const listeners = (event: string): number => sockets[0]?.listenerCount(event) ?? NaN;

  it('keeps no listener of streams that outran their client', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    let before = NaN;
    for (let n = 0; n < STREAMS; n++) {
      const [response] = await once(get(`${running.url}/large`, { agent }), 'response');
      let bytes = 0;
      for await (const chunk of response) bytes += (chunk as Buffer).length;
      expect(bytes).toBeGreaterThan(2_000_000);
      if (n === 0) before = listeners('drain');
    }
    expect(sockets).toHaveLength(1);
    expect(listeners('drain')).toBe(before);
    agent.destroy();
  });

  it('keeps no listener of streams that ended in time', async () => {
    const connection = RawConnection.tcp(portOf(running.server));
    let text = '';
    connection.reader.onBytes((bytes) => (text += bytes.toString('latin1')));
    const answers = (): number => text.split('the only one').length - 1;
    let before = NaN;
    for (let n = 0; n < STREAMS; n++) {
      connection.get('/short');
      await eventually(() => answers() === n + 1, `answer no. ${n + 1}`);
      await eventually(() => running.sse.count() === 0, 'every client forgotten');
      if (n === 0) before = listeners('close');
    }
    expect(listeners('close')).toBe(before);
    connection.socket.destroy();
  });
});
