import type { NodeName } from '../app.events.js';

/** Identity of this process, from the environment that the main process has set. Empty where there is only one node. */
export class NodeIdentity {
  readonly name = process.env['NODE_NAME'] as NodeName | undefined;
  readonly redisUrl = process.env['REDIS_URL'];
}
