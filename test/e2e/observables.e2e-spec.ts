import { SseClient, type CloseReason, type SseMessage } from 'nestjs-simple-sse';
import { of, Subject, throwError } from 'rxjs';
import { nextEvents, openTestClient, testApp } from '../support/test.controller.js';
import { platforms } from '../support/platforms.js';
import { eventually, someTurns } from '../support/within.js';
import type { RunningApp } from '../support/running-app.js';

describe.each(platforms)('the RxJS side of the service on $name', (platform) => {
  let running: RunningApp;

  beforeAll(async () => {
    running = await platform.start(testApp());
  });
  afterEach(async () => {
    await running.disconnectAll();
    expect([...running.sse.rooms()]).toEqual([]);
  });
  afterAll(() => running.close());

  it('stream(room) receives what the room receives, with no client in it', async () => {
    const received: SseMessage[] = [];
    const subscription = running.sse.stream('lobby').subscribe((message) => received.push(message));
    await running.sse.broadcast('lobby', 'paid', { id: 7 });
    await running.sse.broadcast('kitchen', 'elsewhere', 1);
    await running.sse.broadcast(['kitchen', 'lobby'], 'text');
    await eventually(() => received.length >= 2, 'two messages');
    await someTurns();
    expect(received).toHaveLength(2);
    expect(received[0]).toMatchObject({ event: 'paid', data: { id: 7 } });
    expect(received[1]).toMatchObject({ data: 'text' });
    subscription.unsubscribe();
    await running.sse.broadcast('lobby', 'late', 1);
    await someTurns();
    expect(received).toHaveLength(2);
  });

  it('a subscriber counts as interest in the room: it is listed, and forgotten with the last one', () => {
    const stream = running.sse.stream(0);
    expect([...running.sse.rooms()]).toEqual([]);
    const [first, second] = [stream.subscribe(), running.sse.stream('0').subscribe()];
    expect([...running.sse.rooms()]).toEqual(['0']);
    expect(running.sse.count(0)).toBe(0);
    first.unsubscribe();
    expect([...running.sse.rooms()]).toEqual(['0']);
    second.unsubscribe();
    expect([...running.sse.rooms()]).toEqual([]);
  });

  it("publishFrom feeds the room with each value, and the source's end does not affect the room", async () => {
    const { stream } = await openTestClient(running, '/rooms/lobby');
    const source$ = new Subject<unknown>();
    const subscription = running.sse.publishFrom('lobby', source$, 'price');
    source$.next(1);
    source$.next({ p: 2 });
    expect((await nextEvents(stream, 2)).map(({ event, text }) => [event, text])).toEqual([
      ['price', '1'],
      ['price', '{"p":2}'],
    ]);
    subscription.unsubscribe();
    expect(source$.observed).toBe(false);
    running.sse.publishFrom('lobby', of('without a name'));
    expect(await stream.next()).toMatchObject({ event: 'message', text: 'without a name' });
    await running.sse.broadcast('lobby', 'still', 1);
    expect(await stream.next()).toMatchObject({ event: 'still' });
    expect(stream.isOpen).toBe(true);
  });

  it('publishFrom unwraps messages like a handler: their name precedes its own', async () => {
    const { stream } = await openTestClient(running, '/rooms/lobby');
    const messages = [
      { data: { p: 1 }, type: 'tick' },
      { data: 2, event: 'tock', id: undefined },
      { data: 3 },
      { data: 4, type: 'tick', price: 5 },
    ];
    running.sse.publishFrom('lobby', of(...messages), 'price');
    expect((await nextEvents(stream, 4)).map(({ event, text }) => [event, text])).toEqual([
      ['tick', '{"p":1}'],
      ['tock', '2'],
      ['price', '3'],
      ['price', '{"data":4,"type":"tick","price":5}'],
    ]);
  });

  it('publishFrom logs a message with an id, retry or comment, and goes on', async () => {
    const { stream } = await openTestClient(running, '/rooms/lobby');
    running.logger.clear();
    const messages = [
      { data: 1, id: '7' },
      { data: 1, retry: 5 },
      { data: 1, comment: 'x' },
      { data: 2, type: 'tick' },
    ];
    running.sse.publishFrom('lobby', of(...messages));
    expect(await stream.next()).toMatchObject({ event: 'tick', text: '2' });
    await eventually(() => running.logger.complaints.length >= 3, 'three lines in the log');
    expect(running.logger.complaints.map(({ text }) => text).join()).toMatch(
      /with an id.*with "retry".*with "comment"/s,
    );
    running.logger.clear();
  });

  it("a source's error is logged and does not affect the room", async () => {
    const { stream } = await openTestClient(running, '/rooms/lobby');
    running.logger.clear();
    running.sse.publishFrom(
      'lobby',
      throwError(() => new Error('the source broke')),
    );
    await running.sse.broadcast('lobby', 'still', 1);
    expect(await stream.next()).toMatchObject({ event: 'still' });
    await eventually(() => running.logger.complaints.length > 0, 'a line in the log');
    expect(running.logger.complaints.map(({ text }) => text).join()).toContain('the source broke');
  });

  it('a value that is no data does not end publishFrom', async () => {
    const { stream } = await openTestClient(running, '/rooms/lobby');
    const source$ = new Subject<unknown>();
    const subscription = running.sse.publishFrom('lobby', source$, 'price');
    source$.next(undefined);
    source$.next(2);
    expect(await stream.next()).toMatchObject({ event: 'price', text: '2' });
    subscription.unsubscribe();
  });

  it('connected$ and disconnected$ emit each client once, with the reason', async () => {
    const connected: SseClient[] = [];
    const disconnected: [SseClient, CloseReason][] = [];
    const watching = running.sse.connected$.subscribe(({ client }) => connected.push(client));
    watching.add(
      running.sse.disconnected$.subscribe(({ client, reason }) => disconnected.push([client, reason])),
    );
    const gone = await openTestClient(running);
    const closed = await openTestClient(running, '/rooms/lobby');
    expect(connected).toEqual([gone.client, closed.client]);
    await gone.stream.close();
    await eventually(() => disconnected.length === 1, 'the first disconnect');
    closed.client.close();
    await eventually(() => disconnected.length === 2, 'the second disconnect');
    expect(disconnected).toEqual([
      [gone.client, 'client-gone'],
      [closed.client, 'closed'],
    ]);
    await someTurns();
    expect(disconnected).toHaveLength(2);
    watching.unsubscribe();
  });

  it('a subscriber of connected$ may send, join and close at once', async () => {
    const watching = running.sse.connected$.subscribe(({ client }) => {
      client.send('welcome', { you: client.id });
      void client.join('lobby');
    });
    const { stream, client } = await openTestClient(running);
    expect(await stream.next()).toMatchObject({ event: 'welcome', text: `{"you":"${client.id}"}` });
    await eventually(() => client.in('lobby'), 'the client in the lobby');
    watching.unsubscribe();
    const closing = running.sse.connected$.subscribe(({ client: next }) => next.close());
    const closed = await openTestClient(running);
    expect(await closed.stream.end()).toBe('ended');
    closing.unsubscribe();
  });
});
