/** Writes a verdict to the output of the test run, so that its numbers can be compared. */
export function logVerdict(title: string, verdict: object): void {
  process.stdout.write(`${title}: ${JSON.stringify(verdict)}\n`);
}
