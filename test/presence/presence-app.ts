import { Controller, Get, type Type } from '@nestjs/common';
import {
  ConnectedClient,
  SseClient,
  SseRoom,
  type PresenceChange,
  type SseModuleOptions,
} from 'nestjs-simple-sse';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import { sseApp } from '../support/sse-app.js';

interface QueryRequest {
  readonly query: { readonly user?: string; readonly name?: string };
}

/** Identifies a client by its URL: `?user=7&name=Ann`. */
export function identifyByQuery({
  request,
}: SseClient): { user: string; info?: { name: string } } | undefined {
  const { user, name } = (request as QueryRequest).query;
  if (user === 'trouble') throw new Error('cannot identify');
  if (user === undefined) return undefined;
  return name === undefined ? { user } : { user, info: { name } };
}

@Controller()
export class PresenceController {
  readonly clients: SseClient[] = [];
  /** Makes the handler of `slow` return. */
  release: () => void = () => {};

  @Get('rooms/:room')
  @SseRoom(':room')
  inRoom(@ConnectedClient() client: SseClient): void {
    this.clients.push(client);
  }

  @Get('slow/:room')
  @SseRoom(':room')
  async slowly(@ConnectedClient() client: SseClient): Promise<void> {
    const released = new Promise<void>((resolve) => (this.release = resolve));
    this.clients.push(client);
    await released;
  }

  @Get('plain')
  @SseRoom()
  plain(@ConnectedClient() client: SseClient): void {
    this.clients.push(client);
  }
}

/** Rooms `chat…` have presence with events, rooms `quiet…` have presence without events, others have none. */
export function presenceApp(options: SseModuleOptions = {}): Type {
  return sseApp({
    controllers: [PresenceController],
    options: {
      identify: identifyByQuery,
      rooms: { 'chat*': { presence: true, presenceEvents: true }, 'quiet*': { presence: true } },
      ...options,
    },
  });
}

/** Returns the presence events of a stream: `join ann`, `leave ann`. */
export function changesIn({ events }: EventStream): string[] {
  return events
    .filter(({ event }) => event === 'sse:join' || event === 'sse:leave')
    .map(({ event, data }) => `${event.slice('sse:'.length)} ${(JSON.parse(data) as PresenceChange).user}`);
}

/** Returns the members of a room: `ann 2` for two connections. */
export async function membersIn({ sse }: RunningApp, room: string): Promise<string[]> {
  return (await sse.presence(room)).map(({ user, connections }) => `${user} ${connections}`);
}

/** Collects the changes of a room from `presence$`: `join ann`, `leave ann`. */
export function changesOf({ sse }: RunningApp, room: string): string[] {
  const changes: string[] = [];
  sse.presence$(room).subscribe(({ type, user }) => changes.push(`${type} ${user}`));
  return changes;
}
