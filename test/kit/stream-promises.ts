import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import type { SseService } from 'nestjs-simple-sse';
import type { closeTestStreams, TestStream } from 'nestjs-simple-sse/testing';
import { eventually } from '../support/within.js';
import { failure } from './orders-app.js';

/** The kit that a promise is judged with: the real one, or one with a fault. */
export interface JudgedKit {
  readonly app: INestApplication;
  readonly sse: SseService;
  readonly closeTestStreams: typeof closeTestStreams;
  /** Opens a stream of the application, of the room `orders/7` by default. */
  readonly open: (path?: string) => Promise<TestStream>;
}

/** Promises of streams of tests, each of which a mutant of the kit breaks. */
export const streamPromises = {
  async 'returns an event that has come before the call'({ open, sse }) {
    const stream = await open();
    await sse.broadcast('orders/7', 'paid', 1);
    await sse.broadcast('orders/7', 'shipped', 2);
    await eventually(() => stream.events.length === 3, 'both events');
    expect((await stream.next('paid')).data).toBe(1);
    expect((await stream.next()).data).toBe(2);
  },

  async 'expects nothing, and names what came all the same'({ open, sse }) {
    const stream = await open();
    await stream.expectNothing(20);
    const expecting = failure(() => stream.expectNothing(10_000));
    await sse.broadcast('orders/7', 'paid', { id: 7 });
    expect(await expecting).toBe('Nothing was expected, but paid {"id":7} came.');
    await stream.next('paid');
    await stream.expectNothing(5);
  },

  async 'resumes with its last id, and without a gap'({ open, sse }) {
    const stream = await open();
    await sse.broadcast('orders/7', 'paid', 1);
    await stream.next('paid');
    await stream.close();
    expect(stream.isOpen).toBe(false);
    await sse.broadcast('orders/7', 'paid', 2);
    await stream.reconnect();
    expect((await stream.next('paid')).data).toBe(2);
    expect(stream.gaps).toEqual([]);
  },

  async 'cut within an event, resumes with the whole event'({ open, sse }) {
    const stream = await open();
    const bytes = Buffer.byteLength(stream.text);
    stream.cutAt(bytes + 12);
    await sse.broadcast('orders/7', 'paid', { id: 7 });
    expect(await stream.end()).toBe('cut');
    expect(stream.text.slice(bytes)).toBe('event: paid\n');
    await stream.expectNothing(5);
    await stream.reconnect();
    expect((await stream.next('paid')).data).toEqual({ id: 7 });
  },

  async 'is closed at the end of its block with `await using`, and its server with the last stream'({
    open,
    sse,
    app,
  }) {
    const server = app.getHttpServer() as Server;
    {
      await using outer = await open();
      {
        await using inner = await open();
        expect(inner.isOpen && outer.isOpen).toBe(true);
      }
      expect(server.listening).toBe(true);
      expect(outer.isOpen).toBe(true);
    }
    expect(server.listening).toBe(false);
    await eventually(() => sse.count() === 0, 'no client');
    const again = await open();
    await sse.broadcast('orders/7', 'paid', 1);
    expect((await again.next('paid')).data).toBe(1);
  },

  async 'is closed by closeTestStreams, and the application does not listen any more'({
    open,
    app,
    closeTestStreams,
  }) {
    const streams = [await open(), await open('/orders/8/events')];
    await closeTestStreams();
    expect(streams.map(({ isOpen }) => isOpen)).toEqual([false, false]);
    expect((app.getHttpServer() as Server).listening).toBe(false);
  },
} satisfies Record<string, (kit: JudgedKit) => Promise<void>>;
