import { randomUUID } from 'node:crypto';

/** Creates a random epoch: 8 hexadecimal digits. A history that starts or was lost gets a new one. */
export function newEpoch(): string {
  return randomUUID().slice(0, 8);
}
