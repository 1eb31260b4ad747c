import type { SseClient } from '../connection/sse-client.js';
import { encodeEvent } from '../protocol/encode-event.js';
import { spreadRetry } from '../protocol/input/retry-time.js';
import { SseFrame } from '../protocol/sse-frame.js';
import { endOf, type EndPlan } from './end-plan.js';

export interface DrainOptions {
  /** Milliseconds over which the open streams are ended. */
  readonly windowMs: number;
  /** The clients of this node. */
  readonly clients: () => ReadonlySet<SseClient>;
}

/** Longest pause before the drain looks again whether a client is left, in milliseconds. */
const MAX_PAUSE_MS = 100;

/**
 * Takes a node out of service. From `begin` on new streams are refused. Then the open ones end one by one, evenly over the
 * window, each with a reconnection time of its own. Streams that a handler's source will end come last, and may finish before.
 */
export class Drain {
  readonly #options: DrainOptions;
  #hasBegun = false;
  #draining: Promise<void> | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Refuses new streams from now on. */
  begin(): void {
    this.#hasBegun = true;
  }

  /** Ends the open streams, once. Settles when their connections are closed, or the streams have ended by themselves. */
  run(): Promise<void> {
    this.begin();
    this.#draining ??= this.#endAll();
    return this.#draining;
  }

  /** Does the same before the application closes. Without a window the close ends the streams, unless the drain has begun. */
  async runBeforeClose(): Promise<void> {
    this.begin();
    if (this.#options.windowMs > 0 || this.#draining !== undefined) await this.run();
  }

  async #endAll(): Promise<void> {
    const { windowMs, clients } = this.#options;
    const { plan, ordered } = planned(clients());
    const startMs = performance.now();
    const ended: Promise<void>[] = [];
    for (const [index, client] of ordered.entries()) {
      const dueMs = startMs + windowMs * endOf(plan, index);
      for (let leftMs = 1; leftMs > 0 && clients().size > 0;) {
        leftMs = dueMs - performance.now();
        if (leftMs > 0) await pause(Math.min(leftMs, MAX_PAUSE_MS));
      }
      ended.push(endStream(client));
    }
    // Their requests had begun before the drain.
    for (const client of clients()) ended.push(endStream(client));
    await Promise.all(ended);
  }
}

/** Streams without an end of their own, in the order in which they opened, and after them the finite ones. */
function planned(clients: ReadonlySet<SseClient>): { plan: EndPlan; ordered: SseClient[] } {
  const ordered: SseClient[] = [];
  const finite: SseClient[] = [];
  for (const client of clients) (client.endsWithSource ? finite : ordered).push(client);
  return {
    plan: { endless: ordered.length, finite: finite.length },
    ordered: ordered.concat(finite),
  };
}

async function endStream(client: SseClient): Promise<void> {
  const { connection } = client;
  if (connection.isClosed) return;
  const closed = connection.ended();
  const retry = spreadRetry(client.retryMs ?? false);
  // The blank line is for clients that apply `retry` only at the end of a block. Past the gate, which may be shut.
  if (connection.isOpen && retry !== false)
    connection.push(new SseFrame(`${encodeEvent({ retry })}\n`), false);
  connection.close('shutdown');
  await closed;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
