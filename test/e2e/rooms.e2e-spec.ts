import { deskApp, visit, type Visitor } from '../support/desk.controller.js';
import { platforms } from '../support/platforms.js';
import { sseRefusal, unchecked } from '../support/refusal.js';
import { eventually } from '../support/within.js';
import type { SseClient } from 'nestjs-simple-sse';
import type { RunningApp } from '../support/running-app.js';

const roomsOf = (client: SseClient): string[] => [...client.rooms].toSorted();

describe.each(platforms)('rooms at run time on $name', (platform) => {
  let running: RunningApp;
  let visitor: Visitor;

  beforeAll(async () => {
    running = await platform.start(deskApp());
  });
  beforeEach(async () => {
    visitor = await visit(running);
  });
  afterEach(() => running.everyoneLeaves());
  afterAll(() => running.close());

  it('join resolves true, then false when the client was in already', async () => {
    const { sse } = running;
    expect(await sse.join(visitor.client, 'hall')).toBe(true);
    expect(await sse.join(visitor.client, 'hall')).toBe(false);
    expect(await visitor.client.join('hall')).toBe(false);
    expect(await visitor.client.join('kitchen')).toBe(true);
    expect(roomsOf(visitor.client)).toEqual(['hall', 'kitchen']);
    await sse.broadcast('kitchen', 'dinner', 1);
    expect(await visitor.stream.nextEvent()).toMatchObject({ event: 'dinner' });
  });

  it('a broadcast right after a join that was awaited reaches the client, and one after leave does not', async () => {
    const { sse } = running;
    await sse.join(visitor.client, 'hall');
    await sse.broadcast('hall', 'in', 1);
    sse.leave(visitor.client, 'hall');
    await sse.broadcast('hall', 'out', 1);
    await sse.broadcast('*', 'sentinel', 1);
    const events = await visitor.stream.nextEvents(2);
    expect(events.map(({ event }) => event)).toEqual(['in', 'sentinel']);
  });

  it('numbers are rooms by their decimal string, and 0 is a room like any other', async () => {
    const { sse } = running;
    const { client, stream } = visitor;
    expect(await sse.join(client, 0)).toBe(true);
    expect(await sse.join(client, '0')).toBe(false);
    await sse.join(client, 7);
    await sse.join(client, 'hall');
    expect([sse.in(client, 0), sse.in(client, '0'), sse.in(client, '7')]).toEqual([true, true, true]);
    await sse.broadcast(0, 'zero', 1);
    await sse.broadcast('7', 'seven', 1);
    expect((await stream.nextEvents(2)).map(({ event }) => event)).toEqual(['zero', 'seven']);
    sse.leave(client, 0);
    expect(roomsOf(client)).toEqual(['7', 'hall']);
    expect(sse.count(7)).toBe(1);
  });

  it("'*' is always in and is never joined", async () => {
    const { sse } = running;
    expect(sse.in(visitor.client, '*')).toBe(true);
    expect(visitor.client.in('*')).toBe(true);
    expect(await sse.join(visitor.client, '*')).toBe(false);
    expect(roomsOf(visitor.client)).toEqual([]);
    expect([...sse.rooms()]).toEqual([]);
  });

  it('what is no room is never in, whatever rooms are called', async () => {
    const { sse } = running;
    for (const room of ['NaN', 'null', 'undefined', 'true']) await sse.join(visitor.client, room);
    for (const wrong of [NaN, null, undefined, true].map(unchecked<string>)) {
      expect([sse.in(visitor.client, wrong), visitor.client.in(wrong)]).toEqual([false, false]);
    }
  });

  it("leave(client, '*') leaves every room, and the connection stays", async () => {
    const { sse } = running;
    for (const room of ['hall', 'kitchen', 0]) await sse.join(visitor.client, room);
    sse.leave(visitor.client, '*');
    expect(roomsOf(visitor.client)).toEqual([]);
    expect([...sse.rooms()]).toEqual([]);
    await sse.broadcast('*', 'still here', 1);
    expect(await visitor.stream.nextEvent()).toMatchObject({ event: 'still here' });
  });

  it('leaving a room that the client is not in is nothing', async () => {
    running.sse.leave(visitor.client, 'never joined');
    visitor.client.leave('never joined');
    expect(roomsOf(visitor.client)).toEqual([]);
  });

  it.each(['', undefined, null, NaN, {}, true])('%p is no room: refused with an SseError', async (room) => {
    const { sse } = running;
    const wrong = unchecked<string>(room);
    await sseRefusal(() => sse.join(visitor.client, wrong));
    await sseRefusal(() => sse.leave(visitor.client, wrong));
    await sseRefusal(() => sse.broadcast(wrong, 'event', 1));
    await sseRefusal(() => sse.broadcast(['hall', wrong], 'event', 1));
    expect([...sse.rooms()]).toEqual([]);
  });

  it('clients, rooms and count tell who is where', async () => {
    const { sse } = running;
    const other = await visit(running, '/rooms/hall');
    await sse.join(visitor.client, 'hall');
    await sse.join(visitor.client, 'kitchen');
    expect([...sse.rooms()].toSorted()).toEqual(['hall', 'kitchen']);
    expect([sse.count(), sse.count('*'), sse.count('hall'), sse.count('kitchen')]).toEqual([2, 2, 2, 1]);
    expect([sse.count('nobody'), [...sse.clients('nobody')]]).toEqual([0, []]);
    expect(new Set(sse.clients('hall'))).toEqual(new Set([visitor.client, other.client]));
    expect([...sse.clients('kitchen')]).toEqual([visitor.client]);
    expect(new Set(sse.clients())).toEqual(new Set([visitor.client, other.client]));
    expect(new Set(sse.clients('*'))).toEqual(new Set([visitor.client, other.client]));
  });

  it('remove forgets the client and leaves its connection open', async () => {
    const { sse } = running;
    const other = await visit(running, '/rooms/hall');
    await sse.join(visitor.client, 'hall');
    sse.remove(visitor.client);
    expect([sse.count(), sse.count('hall'), sse.in(visitor.client, 'hall')]).toEqual([1, 1, false]);
    expect([...visitor.client.rooms]).toEqual([]);
    await sse.broadcast('hall', 'for the others', 1);
    expect(await other.stream.nextEvent()).toMatchObject({ event: 'for the others' });
    sse.remove(visitor.client);
    expect(visitor.stream.isOpen).toBe(true);
    expect(visitor.stream.rawText).not.toContain('for the others');
  });

  it('close ends the stream, whole, and says so', async () => {
    await running.sse.join(visitor.client, 'hall');
    visitor.client.send('last word', 1);
    visitor.client.close();
    const events = await visitor.stream.eventsUntilEnd();
    expect(events.map(({ event }) => event)).toEqual(['last word']);
    expect(await visitor.stream.ended).toBe('whole');
    expect(await visitor.client.closed).toBe('closed');
    expect(visitor.client.signal.aborted).toBe(true);
    await eventually(() => running.sse.count() === 0, 'the client forgotten');
    expect([...running.sse.rooms()]).toEqual([]);
  });

  it('a client that is gone joins nothing and leaves no room behind', async () => {
    visitor.stream.close();
    await visitor.client.closed;
    expect(await visitor.client.join('hall').catch(() => false)).toBe(false);
    expect([...running.sse.rooms()]).toEqual([]);
    expect(running.sse.count('hall')).toBe(0);
  });

  it('each client has an id and a context of its own', async () => {
    const other = await visit(running);
    expect(other.client.id).not.toBe(visitor.client.id);
    expect(other.client.context).not.toBe(visitor.client.context);
    Object.assign(visitor.client.context, { user: 'ada' });
    expect(visitor.client.context).toMatchObject({ user: 'ada' });
    expect(other.client.context).not.toHaveProperty('user');
  });
});
