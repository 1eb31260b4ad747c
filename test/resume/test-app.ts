import { Controller, Get, Query } from '@nestjs/common';
import {
  ConnectedClient,
  SseClient,
  SseRoom,
  type RoutedRequest,
  type SseModuleOptions,
} from 'nestjs-simple-sse';
import { fastify } from '../support/platforms.js';
import { sseApp } from '../support/sse-app.js';
import { positionOf } from '../support/wire-ids.js';
import { within } from '../support/within.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const roomsOf = (request: RoutedRequest): string[] => String(request.query['rooms']).split(',');

/** Streams in the rooms of the query, with handlers that a test can pause. */
@Controller()
export class TestController {
  latest: SseClient | undefined;
  /** The handler of `slow` waits for this. */
  handler: Promise<void> = Promise.resolve();
  /** Called when the handler of `slow` begins. */
  onHandler: (() => void) | undefined;
  /** Decides which rooms `joining` joins; all of them by default. */
  allowed: ((room: string) => boolean) | undefined;

  @Get('in')
  @SseRoom(roomsOf)
  in(@ConnectedClient() client: SseClient): void {
    this.latest = client;
  }

  @Get('slow')
  @SseRoom(roomsOf)
  async slow(@ConnectedClient() client: SseClient): Promise<void> {
    this.latest = client;
    this.onHandler?.();
    await this.handler;
  }

  @Get('joining')
  @SseRoom()
  async joining(@ConnectedClient() client: SseClient, @Query('rooms') rooms: string): Promise<void> {
    this.latest = client;
    for (const room of rooms.split(',')) {
      if (this.allowed?.(room) ?? true) await client.join(room);
    }
  }
}

/** Starts an application with the controller, on Fastify, because these tests do not depend on the platform. */
export async function startTestApp(options: SseModuleOptions): Promise<RunningApp> {
  return fastify.start(sseApp({ controllers: [TestController], options }));
}

/** Makes the handler of `slow` wait for `release`; `reached` resolves when it waits. */
export function pauseHandler(running: RunningApp): { reached: Promise<void>; release: () => void } {
  const controller = running.get(TestController);
  let release!: () => void;
  controller.handler = new Promise((resolve) => (release = resolve));
  const reached = within(new Promise<void>((resolve) => (controller.onHandler = resolve)), 'the handler');
  return { reached, release };
}

/** Opens a stream, as a client that reconnects with this last event id. */
export function listenFrom(running: RunningApp, path: string, lastEventId?: string): Promise<EventStream> {
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  return running.listen(path, { headers });
}

/** Reads events, control events included, up to the one with this text. */
export async function receivedUntil(stream: EventStream, text: string): Promise<ReceivedEvent[]> {
  const received: ReceivedEvent[] = [];
  for (;;) {
    const event = await stream.nextEvent({ control: true });
    received.push(event);
    if (event.data === text) return received;
  }
}

/** Publishes the event `now` and reads events up to it. */
export async function receivedUntilNow(
  running: RunningApp,
  stream: EventStream,
  room = 'a',
): Promise<ReceivedEvent[]> {
  await running.sse.broadcast(room, 'now');
  return receivedUntil(stream, 'now');
}

/** Returns the texts of the application's events. */
export function textsOf(received: readonly ReceivedEvent[]): string[] {
  return received.filter(({ event }) => !event.startsWith('sse:')).map(({ data }) => data);
}

/** Returns the id with its position changed by so many microseconds. */
export function shiftedId(id: string, us: number): string {
  const [version, epoch] = id.split('.');
  return `${version}.${epoch}.${(positionOf(id) + us).toString(36)}`;
}

export interface ReadyEvent {
  clientId: string;
  resumed: 'full' | 'partial' | 'none';
}

/** Reads the first event. @throws an error where it is not `sse:ready` */
export function readyOf(received: readonly ReceivedEvent[]): ReadyEvent & { id: string | undefined } {
  const [first] = received;
  if (first?.event !== 'sse:ready') throw new Error(`sse:ready expected first, not ${JSON.stringify(first)}`);
  return { ...(JSON.parse(first.data) as ReadyEvent), id: first.id };
}

export interface GapEvent {
  rooms: string[];
  reason: string;
}

export function gapsOf(received: readonly ReceivedEvent[]): GapEvent[] {
  return received.filter(({ event }) => event === 'sse:gap').map(({ data }) => JSON.parse(data) as GapEvent);
}

/** Expects these events in this order, each with a newer id than the one before. Ignores padding of `x`. */
export function expectExactly(received: readonly ReceivedEvent[], texts: readonly string[]): void {
  expect(textsOf(received).map((text) => text.replace(/ x+$/, ''))).toEqual(texts);
  const positions = received.filter(({ id }) => id !== undefined).map(({ id }) => positionOf(id));
  expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
}
