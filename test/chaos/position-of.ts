/** The position in an id of a broker without partitions. */
export function positionOf(id: string): number {
  const position = Number.parseInt(id.split('.')[2] ?? '', 36);
  if (!Number.isSafeInteger(position)) throw new Error(`no position: ${id}`);
  return position;
}
