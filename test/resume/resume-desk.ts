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
import { within } from '../support/within.js';
import type { EventStream, ReceivedEvent } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';

const roomsOf = (request: RoutedRequest): string[] => String(request.query['rooms']).split(',');

/** Streams in rooms of the visitor's choice, with handlers that a test can hold. */
@Controller()
export class ResumeDesk {
  latest: SseClient | undefined;
  /** What the handler of `slow` waits for. */
  handler: Promise<void> = Promise.resolve();
  handling: (() => void) | undefined;
  /** Rooms that may be joined today. */
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
    this.handling?.();
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

/** An application with the desk, on Fastify: what is tested here lies above the platform. */
export async function startDesk(options: SseModuleOptions): Promise<RunningApp> {
  return fastify.start(sseApp({ controllers: [ResumeDesk], options }));
}

/** Makes the handler of `slow` wait. @returns resolves when it does, and what lets it go on */
export function holdHandler(running: RunningApp): { reached: Promise<void>; goOn: () => void } {
  const desk = running.get(ResumeDesk);
  let goOn!: () => void;
  desk.handler = new Promise((resolve) => (goOn = resolve));
  const reached = within(new Promise<void>((resolve) => (desk.handling = resolve)), 'the handler');
  return { reached, goOn };
}

export function visitWith(running: RunningApp, path: string, lastEventId?: string): Promise<EventStream> {
  const headers: Record<string, string> = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
  return running.listen(path, { headers });
}

/** Everything heard until the event with this text, control events included, as `event: data`. */
export async function heardUntil(stream: EventStream, text: string): Promise<ReceivedEvent[]> {
  const heard: ReceivedEvent[] = [];
  for (;;) {
    const event = await stream.nextEvent({ control: true });
    heard.push(event);
    if (event.data === text) return heard;
  }
}

export function textsOf(heard: readonly ReceivedEvent[]): string[] {
  return heard.filter(({ event }) => !event.startsWith('sse:')).map(({ data }) => data);
}

/** The number in a wire id. */
export function positionOf(id: string | undefined): number {
  return Number.parseInt(id?.split('.')[2] ?? '', 36);
}

/** The same id, moved. */
export function moved(id: string, us: number): string {
  const [version, epoch] = id.split('.');
  return `${version}.${epoch}.${(positionOf(id) + us).toString(36)}`;
}

export interface Ready {
  clientId: string;
  resumed: 'full' | 'partial' | 'none';
}

/** The stream's first event, which must be `sse:ready`. */
export function readyOf(heard: readonly ReceivedEvent[]): Ready & { id: string | undefined } {
  const [first] = heard;
  if (first?.event !== 'sse:ready') throw new Error(`sse:ready expected first, not ${JSON.stringify(first)}`);
  return { ...(JSON.parse(first.data) as Ready), id: first.id };
}

export interface Gap {
  rooms: string[];
  reason: string;
}

export function gapsOf(heard: readonly ReceivedEvent[]): Gap[] {
  return heard.filter(({ event }) => event === 'sse:gap').map(({ data }) => JSON.parse(data) as Gap);
}

/** These events in this order, each once and each id newer than the one before. Padding of `x` is not compared. */
export function expectExactly(heard: readonly ReceivedEvent[], texts: readonly string[]): void {
  expect(textsOf(heard).map((text) => text.replace(/ x+$/, ''))).toEqual(texts);
  const positions = heard.filter(({ id }) => id !== undefined).map(({ id }) => positionOf(id));
  expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
}
