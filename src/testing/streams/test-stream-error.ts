/**
 * A stream that could not be opened, or an event that did not come as awaited. The message names what came instead.
 *
 * ```ts
 * await expect(openTestStream(app, '/orders/7/events')).rejects.toMatchObject({ status: 401 });
 * ```
 */
export class TestStreamError extends Error {
  override readonly name = 'TestStreamError';

  /**
   * @param message what was awaited, and what came
   * @param status the HTTP status of an answer that is no event stream; otherwise `undefined`
   * @param body the body of that answer
   */
  constructor(
    message: string,
    readonly status?: number,
    readonly body?: string,
  ) {
    super(message);
  }
}
