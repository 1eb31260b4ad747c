import { Controller, Get, Injectable, Module, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ConnectedClient, SseClient, SseRoom, type SseModuleOptions } from 'nestjs-simple-sse';
import { SseAdminModule, type SseAdminOptions } from 'nestjs-simple-sse/admin';
import { sseApp } from '../support/sse-app.js';
import type { EventStream } from '../support/event-stream.js';
import type { RunningApp } from '../support/running-app.js';
import type { Type } from '@nestjs/common';

/** A request of Express or Fastify. */
export interface AdminRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** What the guard injects from a module of the application. */
@Injectable()
export class Operators {
  isOperator(cookie: string | undefined): boolean {
    return cookie === 'ops=1';
  }
}

@Module({ providers: [Operators], exports: [Operators] })
export class OperatorsModule {}

@Injectable()
export class OpsGuard implements CanActivate {
  constructor(private readonly operators: Operators) {}

  canActivate(context: ExecutionContext): boolean {
    const { headers } = context.switchToHttp().getRequest<AdminRequest>();
    return this.operators.isOperator(headers['cookie']);
  }
}

@Controller()
export class EventsController {
  @Get('events')
  @SseRoom((request: AdminRequest) => (request.query['room'] ?? '').split(',').filter(Boolean))
  events(@ConnectedClient() client: SseClient): void {
    client.send('hello', client.id);
  }
}

export const OPTIONS: SseAdminOptions = { guards: [OpsGuard], imports: [OperatorsModule] };

/** An application with streams and the page. The user of a client is in its query. */
export function adminApp(admin: SseAdminOptions = OPTIONS, options: SseModuleOptions = {}): Type {
  return sseApp({
    imports: [SseAdminModule.forRoot(admin)],
    controllers: [EventsController],
    options: {
      identify: (client) => {
        const { user } = (client.request as AdminRequest).query;
        return user === undefined ? undefined : { user };
      },
      ...options,
    },
  });
}

/** Opens a stream of the application, and returns it with its client's id. */
export async function listener(app: RunningApp, query = ''): Promise<{ stream: EventStream; id: string }> {
  const stream = await app.listen(`/events${query}`);
  const { data } = await stream.nextEvent();
  return { stream, id: data };
}

/** Headers of the operator. */
export const OPERATOR = { cookie: 'ops=1' };

/** Makes a change as the page does. */
export function change(
  app: Pick<RunningApp, 'url'>,
  path: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${app.url}/sse-admin/${path}`, {
    method: 'POST',
    headers: { ...OPERATOR, 'content-type': 'application/json', 'sse-admin': '1', ...headers },
    body: JSON.stringify(body),
  });
}

/** Returns the data of the next event of this name that `accept` accepts. */
export async function next<Data>(
  stream: EventStream,
  name: string,
  accept: (data: Data) => boolean = () => true,
): Promise<Data> {
  for (;;) {
    const { event, data } = await stream.nextEvent();
    const value = JSON.parse(data) as Data;
    if (event === name && accept(value)) return value;
  }
}
