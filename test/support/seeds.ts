/** The seed of this run; the environment variable `SEED` repeats another run. */
export function chosenSeed(): number {
  return Number(process.env['SEED'] ?? Date.now() % 1_000_000_007);
}

/** The seed of this run of faults; the environment variable `SSE_CHAOS_SEED` repeats another run. */
export function chosenChaosSeed(): number {
  return Number(process.env['SSE_CHAOS_SEED'] ?? Date.now() % 1_000_000);
}
