const SLOTS = 16_384;

/**
 * The slot of a Redis Cluster that a key or a hash tag belongs to: CRC-16/XMODEM modulo 16,384 (Redis Cluster
 * specification, "Key distribution model"). Only the part between braces is to be given, where there are braces.
 */
export function slotOf(tag: string): number {
  return crc16(tag) % SLOTS;
}

/**
 * A hash tag for each partition, spread over the slots: whatever share of the slots a node of the cluster has, it has
 * about that share of the partitions. The same on every node of the application.
 */
export function partitionTags(count: number): string[] {
  // One partition has the slot of `0`, wherever that lies.
  if (count === 1) return ['0'];
  const tags: string[] = [];
  for (let candidate = 0; tags.filter((tag) => tag !== undefined).length < count; candidate++) {
    const range = Math.floor((slotOf(`${candidate}`) * count) / SLOTS);
    tags[range] ??= `${candidate}`;
  }
  return tags;
}

/** Which of `count` partitions has a room. */
export function partitionOf(room: string, count: number): number {
  return slotOf(room) % count;
}

function crc16(text: string): number {
  let crc = 0;
  for (const byte of Buffer.from(text)) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x80_00) === 0 ? crc << 1 : (crc << 1) ^ 0x10_21;
    crc &= 0xff_ff;
  }
  return crc;
}
