/**
 * Microseconds on a clock that server and load generator share: `hrtime` counts from the start of the
 * machine, so a time taken in one process means the same in the other, and no clock adjustment moves it.
 */
export function nowMicros() {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanos / 1e3);
}
