import type { RunNode } from './run-node.js';

/** The drain of the node. */
interface NodeDrain {
  run(): Promise<void>;
  runBeforeClose(): Promise<void>;
}

/**
 * Ends the streams and the runs of a closing node. Where its runs may go on for `drainMs`, their followers move on to other nodes at
 * once, and so do all other streams; else the runs end first, so that their followers receive the end.
 */
export async function endStreamsAndRuns(drain: NodeDrain, node: RunNode): Promise<void> {
  const { drainMs } = node.options;
  if (drainMs > 0 && node.size > 0) await Promise.all([drain.run(), node.close(drainMs)]);
  else await node.close(0);
  await drain.runBeforeClose();
}
