import { Controller, Get } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom } from 'nestjs-simple-sse';
import { sseApp, type SseAppMetadata } from './sse-app.js';
import type { Type } from '@nestjs/common';
import type { EventStream } from './event-stream.js';
import type { RunningApp } from './running-app.js';
import type { TestEvent, TestStream } from 'nestjs-simple-sse/testing';

/** Streams without a source of their own, for specs that publish through the service. */
@Controller()
export class TestController {
  latest: SseClient | undefined;

  @Get('plain')
  @SseRoom()
  plain(@ConnectedClient() client: SseClient): void {
    this.latest = client;
  }

  @Get('rooms/:room')
  @SseRoom(':room')
  inRoom(@ConnectedClient() client: SseClient): void {
    this.latest = client;
  }
}

export interface ConnectedPair {
  stream: EventStream;
  client: SseClient;
}

/** Returns the root module that `connectClient` expects. */
export function testApp({ controllers = [], ...metadata }: SseAppMetadata = {}): Type {
  return sseApp({ controllers: [TestController, ...controllers], ...metadata });
}

/** Opens a stream and returns both ends: the stream that the client reads and the server's `SseClient`. */
export async function connectClient(
  running: RunningApp,
  path = '/plain',
  headers: Record<string, string> = {},
): Promise<ConnectedPair> {
  const controller = running.get(TestController);
  controller.latest = undefined;
  const stream = await running.listen(path, { headers });
  if (!controller.latest) throw new Error('the handler did not run before the stream opened');
  return { stream, client: controller.latest };
}

/** The same, with the stream of the test kit. */
export async function openTestClient(
  running: RunningApp,
  path = '/plain',
): Promise<{ stream: TestStream; client: SseClient }> {
  const controller = running.get(TestController);
  controller.latest = undefined;
  const stream = await running.openTest(path, { ready: path !== '/plain' });
  if (!controller.latest) throw new Error('the handler did not run before the stream opened');
  return { stream, client: controller.latest };
}

/** Returns the next events of a stream of the test kit. */
export async function nextEvents(stream: TestStream, count: number): Promise<TestEvent[]> {
  const events: TestEvent[] = [];
  while (events.length < count) events.push(await stream.next());
  return events;
}
