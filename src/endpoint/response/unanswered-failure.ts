import type { ServerResponse } from 'node:http';
import type { HttpExchange } from '../http-exchange.js';

/**
 * Time for interceptors and exception filters to answer a failed request, in milliseconds. Long, since the answer of a filter
 * that comes later throws.
 */
const ANSWER_TIMEOUT_MS = 15_000;

/**
 * Answers a failed request with 500 if nothing else has answered it after 15 s.
 *
 * An interceptor of the controller or the application may turn the failure into a value. Nest sends no value of a method that
 * has the response, so the request would stay without an answer.
 *
 * @param onUnanswered called before the answer
 */
export function answerUnlessAnswered(http: HttpExchange, onUnanswered: () => void): void {
  const response = http.response as ServerResponse;
  if (response.destroyed) return;
  const timer = setTimeout(() => {
    if (response.headersSent || response.writableEnded) return;
    onUnanswered();
    http.detachFromFramework();
    response.writeHead(500, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify({ statusCode: 500, message: 'Internal server error' }));
  }, ANSWER_TIMEOUT_MS).unref();
  response.once('close', () => clearTimeout(timer));
}
