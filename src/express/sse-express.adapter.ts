import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import type { NestApplicationOptions } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';

/**
 * Nest's adapter for Express, with requests and responses that have Express's prototypes from the beginning.
 *
 * Express replaces the prototypes of each request and response (`Object.setPrototypeOf`). Before Node 24, V8 then gives each
 * object hidden classes of its own: every access to it is slow, and an open stream keeps 2 KB more. Where the prototype is the
 * right one already, Express changes nothing.
 *
 * It takes the place of `ExpressAdapter`, and behaves in the same way for all routes and middleware:
 *
 * ```ts
 * const app = await NestFactory.create<NestExpressApplication>(AppModule, new SseExpressAdapter());
 * ```
 */
export class SseExpressAdapter extends ExpressAdapter {
  /**
   * Creates the server of the application. Nest calls it once, in `NestFactory.create`.
   *
   * @param options those of `NestFactory.create`; `httpsOptions` and `forceCloseConnections` work as with `ExpressAdapter`
   */
  override initHttpServer(options: NestApplicationOptions): void {
    const express = this.getInstance<ExpressPrototypes>();
    const classes = classesOf(express);
    const { httpsOptions } = options;
    if (httpsOptions !== undefined)
      return super.initHttpServer({ ...options, httpsOptions: { ...httpsOptions, ...classes } });
    super.initHttpServer(options);
    const server = createServer(classes, this.getInstance());
    // Those of `forceCloseConnections`.
    for (const listener of this.httpServer.listeners('connection'))
      if (!server.listeners('connection').includes(listener)) server.on('connection', listener as () => void);
    this.httpServer = server;
  }
}

/** The prototypes of an application's requests and responses, as Express names them. */
interface ExpressPrototypes {
  request: object;
  response: object;
}

/** Returns classes for Node's server. Their prototypes replace those of the application, and have the same properties. */
function classesOf(express: ExpressPrototypes): {
  IncomingMessage: typeof IncomingMessage;
  ServerResponse: typeof ServerResponse;
} {
  class ExpressRequest extends IncomingMessage {}
  class ExpressResponse<Request extends IncomingMessage> extends ServerResponse<Request> {}
  express.request = likeness(ExpressRequest.prototype, express.request);
  express.response = likeness(ExpressResponse.prototype, express.response);
  return { IncomingMessage: ExpressRequest, ServerResponse: ExpressResponse };
}

/** Makes `prototype` like `original`, with its constructor, its properties and its prototype. @returns `prototype` */
function likeness(prototype: object, original: object): object {
  const { constructor: own, ...properties } = Object.getOwnPropertyDescriptors(original);
  delete (prototype as { constructor?: unknown }).constructor;
  if (own !== undefined) Object.defineProperty(prototype, 'constructor', own);
  Object.defineProperties(prototype, properties);
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(original) as object);
  return prototype;
}
