import type { NodeName } from '../app.events.js';

/** Identity of this process, from the environment that the supervisor set. */
export class NodeIdentity {
  readonly name = required('NODE_NAME') as NodeName;
  /** 1 for the first process of this name, 2 for the one after it … */
  readonly run = Number(required('NODE_RUN'));
  readonly port = Number(required('PORT'));
  readonly redisUrl = required('REDIS_URL');
  readonly operatorPassword = required('OPERATOR_PASSWORD');
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error(`${name} is not set: nodes are started by \`npm run start:two-nodes\``);
  return value;
}
