import type { NodeReport } from '../app.events.js';

/** Sends a message to the supervisor over the IPC channel. Does nothing without a supervisor. */
export function report(message: NodeReport): void {
  process.send?.(message);
}
