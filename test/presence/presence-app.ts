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

interface AskingRequest {
  readonly query: { readonly user?: string; readonly name?: string };
}

/** Says of a client what its URL says: `?user=7&name=Ann`. */
export function identifyByQuery({
  request,
}: SseClient): { user: string; info?: { name: string } } | undefined {
  const { user, name } = (request as AskingRequest).query;
  if (user === 'trouble') throw new Error('who is that?');
  if (user === undefined) return undefined;
  return name === undefined ? { user } : { user, info: { name } };
}

@Controller()
export class LobbyController {
  readonly clients: SseClient[] = [];
  /** Lets the handler of a slow request return. */
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

/** Rooms `chat…` tell their members of each other, rooms `quiet…` do not, and others have no presence. */
export function lobbyApp(options: SseModuleOptions = {}): Type {
  return sseApp({
    controllers: [LobbyController],
    options: {
      identify: identifyByQuery,
      rooms: { 'chat*': { presence: true, presenceEvents: true }, 'quiet*': { presence: true } },
      ...options,
    },
  });
}

/** `join ann`, `leave ann`, as a stream was told. */
export function changesIn({ events }: EventStream): string[] {
  return events
    .filter(({ event }) => event === 'sse:join' || event === 'sse:leave')
    .map(({ event, data }) => `${event.slice('sse:'.length)} ${(JSON.parse(data) as PresenceChange).user}`);
}

/** Who is in a room: `ann 2` for two streams. */
export async function membersIn({ sse }: RunningApp, room: string): Promise<string[]> {
  return (await sse.presence(room)).map(({ user, connections }) => `${user} ${connections}`);
}

/** What `presence$` of a room has said since. */
export function changesOf({ sse }: RunningApp, room: string): string[] {
  const changes: string[] = [];
  sse.presence$(room).subscribe(({ type, user }) => changes.push(`${type} ${user}`));
  return changes;
}
