/** Declares a suite; skips it with `reason` in its title and a warning, when there is one. */
export function describeUnless(reason: string | undefined, title: string, suite: () => void): void {
  if (reason === undefined) {
    describe(title, suite);
    return;
  }
  console.warn(`Skipped, ${title}: ${reason}`);
  describe.skip(`${title} (skipped: ${reason})`, suite);
}
