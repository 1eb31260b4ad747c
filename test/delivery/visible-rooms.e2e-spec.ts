import { allPlatforms, platforms } from '../support/platforms.js';
import { connectClient, testApp } from '../support/test.controller.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const ASKING = '?sse=rooms';

/** Reads up to the event `end`, and returns the names with their data. */
async function untilEnd(stream: EventStream): Promise<(readonly [string | undefined, unknown])[]> {
  const received: (readonly [string | undefined, unknown])[] = [];
  for (;;) {
    const { event, data } = await stream.nextEvent({ control: true });
    if (event === 'end') return received;
    if (event !== 'sse:ready') received.push([event, JSON.parse(data)]);
  }
}

describe.each(allPlatforms)('the rooms of events on $name', (platform) => {
  let running: RunningApp;

  beforeEach(async () => {
    running = await platform.start(testApp());
  });
  afterEach(() => running.close());

  it('are named before each event of a room to a client that asks with ?sse=rooms', async () => {
    const { sse } = running;
    const { stream, client } = await connectClient(running, `/rooms/lobby${ASKING},other`);
    await sse.broadcast('lobby', 'said', { text: 'hi' });
    await sse.broadcast('lobby', ['no name']);
    await sse.broadcast('*', 'closing', 1);
    await sse.broadcast('lobby', 'moved', 2, { volatile: true });
    client.send('end', 0);
    expect(await untilEnd(stream)).toEqual([
      ['sse:rooms', { rooms: ['lobby'], event: 'said' }],
      ['said', { text: 'hi' }],
      ['sse:rooms', { rooms: ['lobby'] }],
      ['message', ['no name']],
      ['sse:rooms', { rooms: ['*'], event: 'closing' }],
      ['closing', 1],
      ['sse:rooms', { rooms: ['lobby'], event: 'moved' }],
      ['moved', 2],
    ]);
    expect(stream.parseErrors).toEqual([]);
  });

  it('are all rooms of the event that the client is in, and no room of others', async () => {
    const { sse } = running;
    const { stream, client } = await connectClient(running, `/rooms/lobby${ASKING}`);
    await client.join('chat');
    await sse.broadcast(['lobby', 'chat', 'secret'], 'said', 1);
    await sse.broadcast(['secret', 'chat'], 'said', 2);
    client.send('end', 0);
    const received = await untilEnd(stream);
    client.leave('chat');
    await sse.broadcast(['chat', 'lobby'], 'said', 3);
    client.send('end', 0);
    received.push(...(await untilEnd(stream)));
    expect(received.filter(([event]) => event === 'sse:rooms').map(([, data]) => data)).toEqual([
      { rooms: ['lobby', 'chat'], event: 'said' },
      { rooms: ['chat'], event: 'said' },
      { rooms: ['lobby'], event: 'said' },
    ]);
    expect(received.filter(([event]) => event === 'said').map(([, data]) => data)).toEqual([1, 2, 3]);
  });

  it('change no byte for a client in the same room that did not ask', async () => {
    const { sse } = running;
    const streams: EventStream[] = [];
    for (const query of ['', ASKING, '', ASKING]) {
      streams.push((await connectClient(running, `/rooms/lobby${query}`)).stream);
    }
    await Promise.all([1, 2, 3].map((n) => sse.broadcast('lobby', 'said', n)));
    await sse.broadcast('lobby', 'end', 0);
    await Promise.all(streams.map((stream) => untilEnd(stream)));
    const [first, second, third, fourth] = streams.map(({ rawText }) =>
      rawText.slice(rawText.indexOf('event: said')),
    );
    expect(first).not.toContain('sse:rooms');
    expect(third).toBe(first);
    expect(fourth).toBe(second);
    // Without the events that name the rooms both are the same.
    const withoutNames = streams[1]?.rawText.replace(/event: sse:rooms\ndata: [^\n]*\n\n/g, '');
    expect(withoutNames?.slice(withoutNames.indexOf('event: said'))).toBe(first);
  });

  it('are named for missed events too', async () => {
    const { sse } = running;
    const { stream } = await connectClient(running, `/rooms/lobby${ASKING}`);
    const { id = '' } = await stream.nextEvent({ control: true });
    stream.close();
    await sse.broadcast('lobby', 'said', 1);
    await sse.broadcast('lobby', 'end', 0);
    const again = await connectClient(running, `/rooms/lobby${ASKING}`, { 'last-event-id': id });
    expect(await untilEnd(again.stream)).toEqual([
      ['sse:rooms', { rooms: ['lobby'], event: 'said' }],
      ['said', 1],
      ['sse:rooms', { rooms: ['lobby'], event: 'end' }],
    ]);
  });
});

it.each(platforms)(
  'the rooms of events reach a client on $name that did not read for a while',
  async (platform) => {
    const running = await platform.start(testApp());
    const { stream } = await connectClient(running, `/rooms/lobby${ASKING}`);
    stream.pause();
    const text = 'x'.repeat(10_000);
    for (let n = 0; n < 60; n++) await running.sse.broadcast('lobby', 'said', { n, text });
    await running.sse.broadcast('lobby', 'end', 0);
    stream.resume();
    const received = await untilEnd(stream);
    expect(received.filter(([event]) => event === 'said')).toHaveLength(60);
    received.pop();
    for (const [index, [event]] of received.entries())
      expect(event).toBe(index % 2 === 0 ? 'sse:rooms' : 'said');
    await running.disconnectAll();
    await running.close();
  },
);
