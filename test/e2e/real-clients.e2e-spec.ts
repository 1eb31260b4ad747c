import { Controller, Get } from '@nestjs/common';
import { EventSource as NpmEventSource } from 'eventsource';
import { ConnectedClient, LastEventId, SseClient, SseRoom } from 'nestjs-simple-sse';
import { from, type Observable } from 'rxjs';
import { EventSource as UndiciEventSource } from 'undici';
import { platforms } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { eventually, within } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

/** The part of a browser's EventSource that both classes implement. */
interface BrowserEventSource {
  addEventListener(type: string, listener: (event: { type: string; data?: string }) => void): void;
  close(): void;
}

const clients: [string, (url: string) => BrowserEventSource][] = [
  ['undici', (url) => new UndiciEventSource(url)],
  ['eventsource', (url) => new NpmEventSource(url)],
];

const lastEventIds: (string | undefined)[] = [];

@Controller()
class RealController {
  @Get('room')
  @SseRoom('lobby')
  room(): void {}

  /** Sends one event with an id and ends, so that the client reconnects with that id. */
  @Get('comes-back')
  @SseRoom()
  comesBack(@LastEventId() id: string | undefined, @ConnectedClient() client: SseClient): Observable<object> {
    client.setRetry(10);
    lastEventIds.push(id);
    return from([{ type: 'step', id: `step-${lastEventIds.length}`, data: { n: lastEventIds.length } }]);
  }
}

describe.each(platforms)('a stream on $name', (platform) => {
  let running: RunningApp;
  let source: BrowserEventSource | undefined;

  beforeAll(async () => {
    running = await platform.start(sseApp({ controllers: [RealController] }));
  });
  afterEach(async () => {
    source?.close();
    await running.disconnectAll();
  });
  afterAll(() => running.close());

  describe.each(clients)('EventSource of %s', (_name, connect) => {
    const open = async (path: string): Promise<BrowserEventSource> => {
      const opened = connect(running.url + path);
      source = opened;
      await within(new Promise<void>((resolve) => opened.addEventListener('open', () => resolve())), 'open');
      return opened;
    };

    it('opens at once and receives named and unnamed events', async () => {
      const received: [string, string | undefined][] = [];
      const opened = await open('/room');
      for (const name of ['message', 'paid']) {
        opened.addEventListener(name, ({ data }) => received.push([name, data]));
      }
      await running.sse.broadcast('lobby', 'text\nof two lines');
      await running.sse.broadcast('lobby', 'paid', { id: 7, text: 'zürich 🙂' });
      await running.sse.broadcast('lobby', '');
      await eventually(() => received.length === 3, 'three events');
      expect(received).toEqual([
        ['message', 'text\nof two lines'],
        ['paid', '{"id":7,"text":"zürich 🙂"}'],
        ['message', ''],
      ]);
    });

    it('reconnects with the last id it received, which @LastEventId() returns', async () => {
      lastEventIds.length = 0;
      const received: (string | undefined)[] = [];
      const opened = await open('/comes-back');
      opened.addEventListener('step', ({ data }) => received.push(data));
      await eventually(() => lastEventIds.length >= 3, 'two reconnects');
      opened.close();
      expect(lastEventIds.slice(0, 3)).toEqual([undefined, 'step-1', 'step-2']);
      expect(received.slice(0, 2)).toEqual(['{"n":1}', '{"n":2}']);
    });

    it('reconnects by itself when the server closes the stream', async () => {
      const received: (string | undefined)[] = [];
      const opened = await open('/room');
      opened.addEventListener('again', ({ data }) => received.push(data));
      const [first] = [...running.sse.clients()];
      first?.setRetry(10);
      first?.send('last', 1);
      first?.close();
      await eventually(() => {
        const [next] = [...running.sse.clients()];
        return next && next !== first;
      }, 'the reconnect');
      await running.sse.broadcast('lobby', 'again', 'welcome back');
      await eventually(() => received.length === 1, 'the event after the reconnect');
      expect(received).toEqual(['welcome back']);
    });
  });
});
