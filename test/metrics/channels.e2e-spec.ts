import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { CHANNELS } from '../../src/channels/channels.js';
import { platforms } from '../support/platforms.js';
import { connectClient, testApp } from '../support/test.controller.js';
import { eventually } from '../support/within.js';

const NAMES = Object.keys(CHANNELS).map((name) => `nestjs-simple-sse.${name}`);

describe.each(platforms)('the diagnostics channels on $name', (platform) => {
  it('carry what happens on the node, with the clients and events themselves', async () => {
    const received: [name: string, message: unknown][] = [];
    const listen = (message: unknown, name: string | symbol): void =>
      void received.push([String(name).replace('nestjs-simple-sse.', ''), message]);
    for (const name of NAMES) subscribe(name, listen);
    const running = await platform.start(testApp());
    const { stream, client } = await connectClient(running, '/rooms/shop');
    const id = await running.sse.broadcast('shop', 'paid', { cents: 7 });
    await stream.nextEvent();
    stream.close();
    await eventually(() => received.some(([name]) => name === 'close'), 'the end');
    for (const name of NAMES) unsubscribe(name, listen);
    await running.close();
    const of = (wanted: string): unknown[] =>
      received.filter(([name]) => name === wanted).map(([, message]) => message);
    expect(of('broker')).toContainEqual({ state: 'live' });
    expect(of('open')).toEqual([{ client }]);
    expect(of('publish')).toEqual([{ rooms: ['shop'], event: 'paid', id }]);
    expect(of('deliver')).toEqual([
      { message: expect.objectContaining({ event: 'paid', data: '{"cents":7}' }) as unknown, clients: 1 },
    ]);
    expect(of('close')).toEqual([{ client, reason: 'client-gone' }]);
  });

  it('have no subscriber by themselves', async () => {
    const running = await platform.start(testApp());
    for (const name of NAMES) expect(channel(name).hasSubscribers).toBe(false);
    await running.close();
  });
});

it('docs/17-observability.md lists the channels, no more and no fewer', () => {
  const page = readFileSync('docs/17-observability.md', 'utf8');
  const documented = Array.from(page.matchAll(/^\| `(nestjs-simple-sse\.[a-z]+)` \|/gm), ([, name]) => name);
  expect(documented).toEqual(NAMES);
});
