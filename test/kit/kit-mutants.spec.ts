import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SseService } from 'nestjs-simple-sse';
import {
  closeTestStreams,
  createSseServiceMock,
  openTestStream,
  type SseServiceMock,
  type TestStream,
} from 'nestjs-simple-sse/testing';
import { refusal } from '../support/refusal.js';
import { sseApp } from '../support/sse-app.js';
import { mockPromises } from './mock-promises.js';
import { OrdersController } from './orders-app.js';
import { streamPromises } from './stream-promises.js';

/** A fault in a stream of a test, and the promise that finds it. */
interface StreamMutant {
  readonly promise: keyof typeof streamPromises;
  /** Changes the methods of a sound stream. */
  readonly mutate?: (stream: TestStream) => Partial<TestStream>;
  readonly closeTestStreams?: typeof closeTestStreams;
}

const streamMutants: Record<string, StreamMutant> = {
  'next() misses an event that came before the call': {
    promise: 'returns an event that has come before the call',
    mutate: (stream) => {
      const next = stream.next.bind(stream);
      return {
        async next(name, options) {
          const last = stream.events.at(-1);
          if (last?.event !== 'sse:ready') await stream.until((event) => event === last);
          return next(name, options);
        },
      };
    },
  },
  'expectNothing() always passes': {
    promise: 'expects nothing, and names what came all the same',
    mutate: () => ({ expectNothing: async () => {} }),
  },
  'cutAt() does not cut': {
    promise: 'cut within an event, resumes with the whole event',
    mutate: () => ({ cutAt() {} }),
  },
  'cutAt() cuts a byte late': {
    promise: 'cut within an event, resumes with the whole event',
    mutate: (stream) => {
      const cutAt = stream.cutAt.bind(stream);
      return { cutAt: (byte) => cutAt(byte + 1) };
    },
  },
  'reconnect() sends no Last-Event-ID': {
    promise: 'resumes with its last id, and without a gap',
    mutate: (stream) => {
      const reconnect = stream.reconnect.bind(stream);
      return { reconnect: (options) => reconnect({ ...options, lastEventId: false }) };
    },
  },
  'the end of a block closes nothing': {
    promise: 'is closed at the end of its block with `await using`, and its server with the last stream',
    mutate: () => ({ [Symbol.asyncDispose]: async () => {} }),
  },
  'closeTestStreams() closes nothing': {
    promise: 'is closed by closeTestStreams, and the application does not listen any more',
    closeTestStreams: async () => {},
  },
};

describe('a test kit with a fault', () => {
  let app: INestApplication;

  beforeEach(async () => {
    const module = sseApp({ controllers: [OrdersController] });
    app = await NestFactory.create(module, { logger: false });
  });
  afterEach(async () => {
    await closeTestStreams();
    await app.close();
  });

  it.each(Object.entries(streamMutants))('is found: %s', async (_fault, { promise, mutate, ...kit }) => {
    const judged = {
      app,
      sse: app.get(SseService, { strict: false }),
      closeTestStreams,
      ...kit,
      open: async (path = '/orders/7/events'): Promise<TestStream> => {
        const stream = await openTestStream(app, path, { timeoutMs: 500 });
        return Object.assign(stream, mutate?.(stream));
      },
    };
    const error = await refusal(() => streamPromises[promise](judged));
    expect(error).not.toBeInstanceOf(TypeError);
  });

  it.each<[string, (sse: SseServiceMock) => Partial<SseServiceMock>]>([
    [
      'published() forgets all but the newest event',
      (sse) => ({ published: (room) => sse.published(room).slice(-1) }),
    ],
    [
      'published() returns the events of each room',
      (sse) => ({ published: () => sse.publishedRooms().flatMap((room) => sse.published(room)) }),
    ],
    ['clear() forgets nothing', () => ({ clear() {} })],
  ])('is found: %s', async (_fault, mutate) => {
    const create = (): SseServiceMock => {
      const sound = createSseServiceMock();
      const methods = mutate(sound);
      return new Proxy(sound, {
        get: (target, name) => {
          const value: unknown = Reflect.get({ ...methods }, name) ?? Reflect.get(target, name, target);
          return typeof value === 'function' ? value.bind(target) : value;
        },
      });
    };
    const error = await refusal(() =>
      mockPromises['records each event of a room until it is cleared'](create),
    );
    expect(error).not.toBeInstanceOf(TypeError);
  });
});
