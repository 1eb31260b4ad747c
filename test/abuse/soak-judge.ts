/** What a node holds at the end of a phase, when all of its clients have left. */
export interface SoakSample {
  /** Bytes after garbage collection. */
  readonly heap: number;
  readonly buffers: number;
  /** Sockets, timers and other resources that keep the process running. */
  readonly handles: number;
  /** Listeners of the process and of the server. */
  readonly listeners: number;
  readonly clients: number;
  readonly rooms: number;
  /** Streams that the metrics have counted as opened, and not as closed. */
  readonly uncounted: number;
}

/** Growth that is no leak: compiled code, and pools that are filled. */
const MAX_BYTES_GROWTH = 3_000_000;
const MAX_GROWTH = 1.15;
const MAX_MORE_HANDLES = 3;

/**
 * Compares the medians of late phases with those of early ones. The first quarter is left out: code is compiled and history
 * is filled in it. A slow machine has fewer phases, and the same medians.
 *
 * @returns the leaks, one sentence each
 */
export function leaksIn(samples: readonly SoakSample[]): string[] {
  const warm = samples.slice(Math.ceil(samples.length / 4));
  const part = Math.floor(warm.length / 3);
  if (part < 2) throw new Error(`${samples.length} phases are too few to compare`);
  const [early, late] = [warm.slice(0, part), warm.slice(-part)];
  const leaks: string[] = [];
  for (const name of ['heap', 'buffers', 'handles', 'listeners'] as const) {
    const [before, after] = [early, late].map((phases) => median(phases.map((sample) => sample[name])));
    const allowed =
      name === 'handles' || name === 'listeners'
        ? (before as number) + MAX_MORE_HANDLES
        : Math.max((before as number) * MAX_GROWTH, (before as number) + MAX_BYTES_GROWTH);
    if ((after as number) > allowed) leaks.push(`${name} grew from ${before} to ${after}`);
  }
  for (const name of ['clients', 'rooms', 'uncounted'] as const) {
    const left = samples.find((sample) => sample[name] !== 0);
    if (left !== undefined) leaks.push(`${name} are left: ${left[name]}`);
  }
  return leaks;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
