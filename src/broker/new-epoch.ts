import { randomUUID } from 'node:crypto';

/** The name of a memory that begins: 8 hexadecimal digits. */
export function newEpoch(): string {
  return randomUUID().slice(0, 8);
}
