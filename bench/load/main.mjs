/**
 * The load generator process: a fleet of raw sockets that count. It does as little per byte as possible, so
 * that on a small machine the server is measured, not the reader.
 */
import { answerCommands } from '../lib/rpc.mjs';
import { Fleet } from './fleet.mjs';

const fleet = new Fleet();

answerCommands({
  connect: (args) => fleet.connect(args),
  reset: (args) => fleet.reset(args),
  awaitEvents: (args) => fleet.awaitEvents(args),
  summary: (args) => fleet.summary(args),
  latency: () => fleet.latency(),
  resume: () => fleet.resume(),
  disconnect: () => fleet.disconnect(),
  cpu: () => process.cpuUsage(),
});
