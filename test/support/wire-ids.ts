/**
 * Reads the positions in a wire id, by partition. The id of a broker without partitions, `1.<epoch>.<position>`, holds
 * that of partition 0; `2.<partition><epoch><position>~…` holds several.
 */
export function positionsOf(id: string): Map<number, number> {
  const [version, ...rest] = id.split('.');
  if (version === '1') return new Map([[0, Number.parseInt(rest[1] as string, 36)]]);
  const parts = (rest[0] as string).split('~');
  return new Map(
    parts.map((part) => [Number.parseInt(part.slice(0, 2), 36), Number.parseInt(part.slice(10), 36)]),
  );
}

/** Reads the position in the id of a broker without partitions. @throws an error where there is none */
export function positionOf(id: string | undefined): number {
  const position = Number.parseInt(id?.split('.')[2] ?? '', 36);
  if (!Number.isSafeInteger(position)) throw new Error(`no position: ${id}`);
  return position;
}
