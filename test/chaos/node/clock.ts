const RealDate = Date;
let shiftMs = 0;

/** Shifts the wall clock of this process; timers still run at the true speed. */
class ShiftedDate extends RealDate {
  constructor(...given: [] | ConstructorParameters<DateConstructor>) {
    if (given.length === 0) super(ShiftedDate.now());
    else super(...given);
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;

export function shiftClock(ms: number): void {
  shiftMs = ms;
}
