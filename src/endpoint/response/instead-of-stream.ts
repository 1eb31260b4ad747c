import type { HttpExchange } from '../http-exchange.js';

/** The answer to a request in the place of a stream, decided after its handler has run. */
export class InsteadOfStream {
  /** @param answer answers the request, and calls `done` */
  constructor(readonly answer: (http: HttpExchange, done: () => void) => void) {}
}
