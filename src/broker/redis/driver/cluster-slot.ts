const SLOTS = 16_384;

/**
 * Computes the Redis Cluster slot of a key: CRC-16/XMODEM modulo 16,384 (Redis Cluster specification, "Key distribution
 * model").
 *
 * @param tag the key, or only its hash tag (the part between braces) if it has one
 */
export function slotOf(tag: string): number {
  return crc16(tag) % SLOTS;
}

/**
 * Chooses a hash tag for each partition, spread evenly over the slots: a cluster node with a third of the slots gets
 * about a third of the partitions. The result depends on `count` only, so all nodes of the application agree.
 */
export function partitionTags(count: number): string[] {
  // The tag of a single partition is part of the stored key names and stays fixed.
  if (count === 1) return ['0'];
  const tags: string[] = [];
  for (let candidate = 0; tags.filter((tag) => tag !== undefined).length < count; candidate++) {
    const range = Math.floor((slotOf(`${candidate}`) * count) / SLOTS);
    tags[range] ??= `${candidate}`;
  }
  return tags;
}

/** Returns the index of the room's partition, 0 to `count - 1`. */
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
