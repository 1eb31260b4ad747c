import type { NodeReport } from '../app.events.js';

/** Tells the supervisor, over the pipe between the two processes. Without one nobody listens. */
export function report(message: NodeReport): void {
  process.send?.(message);
}
