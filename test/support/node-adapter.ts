import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  createSecureServer,
  createServer as createHttp2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  type SecureServerOptions,
} from 'node:http2';
import { parse, type ParsedUrlQuery } from 'node:querystring';
import { ExpressAdapter } from '@nestjs/platform-express';
import { Router } from 'express';
import type { NestApplicationOptions } from '@nestjs/common';

/** Protocol of the server: HTTP/2 in clear text, or with TLS where `https` is set. */
export interface NodeHttp2Options {
  readonly https?: SecureServerOptions;
}

type HttpsOptions = NonNullable<NestApplicationOptions['httpsOptions']>;

type Class = new (...args: never[]) => object;

/**
 * An adapter over `node:http` and `node:http2` without a framework: request and response are instances of Node's classes, as
 * with `@nestjs/platform-node`. Express's router and body parsers, which need Node's objects only, do the rest.
 */
export class NodeAdapter extends ExpressAdapter {
  /** @param http2 `undefined` for HTTP/1.1 */
  constructor(private readonly http2?: NodeHttp2Options) {
    super(Router());
  }

  override initHttpServer(options?: NestApplicationOptions): void {
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      const router = this.getInstance<Router>();
      router(request as never, response as never, (error?: unknown) => {
        response.statusCode = error === undefined ? 404 : 500;
        response.end();
      });
    };
    // The type of the field is that of an HTTP/1.1 server; Nest uses what both have.
    this.httpServer = this.#createServer(listener as never, options?.httpsOptions) as never;
  }

  override getType(): string {
    return 'node';
  }

  #createServer(listener: never, https: HttpsOptions | undefined): unknown {
    if (this.http2 === undefined) {
      const classes = {
        IncomingMessage: subclass(IncomingMessage, requestMembers),
        ServerResponse: subclass(ServerResponse, responseMembers),
      };
      return https === undefined
        ? createServer(classes, listener)
        : createHttpsServer({ ...https, ...classes }, listener);
    }
    const classes = {
      Http2ServerRequest: subclass(Http2ServerRequest, requestMembers),
      Http2ServerResponse: subclass(Http2ServerResponse, responseMembers),
    };
    return this.http2.https === undefined
      ? createHttp2Server(classes, listener)
      : createSecureServer({ ...this.http2.https, ...classes }, listener);
  }
}

/** Members that Nest reads of a request, on the prototype as in Nest's own adapter. */
const requestMembers = {
  get query(): ParsedUrlQuery {
    const { url = '' } = this as unknown as IncomingMessage;
    return parse(url.split('?', 2)[1] ?? '');
  },
};

/** Members that Nest and exception filters call on a response. */
const responseMembers: Record<string, unknown> & ThisType<ServerResponse & { json(body: unknown): void }> = {
  status(code: number) {
    this.statusCode = code;
    return this;
  },
  get(name: string) {
    return this.getHeader(name);
  },
  set(name: string, value: string) {
    return this.setHeader(name, value);
  },
  append(name: string, value: string) {
    return this.appendHeader(name, value);
  },
  json(body: unknown) {
    if (!this.hasHeader('content-type')) this.setHeader('content-type', 'application/json; charset=utf-8');
    this.end(JSON.stringify(body));
  },
  send(body?: unknown) {
    if (typeof body === 'object' && body !== null) this.json(body);
    else this.end(body);
  },
  redirect(code: number, url: string) {
    this.statusCode = code;
    this.setHeader('location', url);
    this.end();
  },
};

/** A class, since Node constructs instances, with further members on its prototype. */
function subclass<Base extends Class>(base: Base, members: object): Base {
  const extended = class extends (base as Class) {};
  Object.defineProperties(extended.prototype, Object.getOwnPropertyDescriptors(members));
  return extended as Base;
}
