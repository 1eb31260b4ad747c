import { HttpException, HttpStatus, Injectable } from '@nestjs/common';

const WINDOW_MS = 60_000;
const MAX_FAILURES = 10;
const MAX_ADDRESSES = 10_000;

/**
 * Counts failed sign-ins of each address, so that no password is found by trying. Counts are those of this process: several nodes
 * need a shared store, as `@nestjs/throttler` has one.
 */
@Injectable()
export class FailedSignIns {
  private readonly failures = new Map<string, { count: number; until: number }>();

  /** @throws HttpException 429 after too many failures within a minute */
  check(address: string): void {
    const known = this.failures.get(address);
    if (known === undefined || known.until <= Date.now() || known.count < MAX_FAILURES) return;
    throw new HttpException('Too many failed sign-ins; try again in a minute', HttpStatus.TOO_MANY_REQUESTS);
  }

  count(address: string): void {
    const known = this.failures.get(address);
    const isCurrent = known !== undefined && known.until > Date.now();
    // Moves the address to the end, so that the first ones are those without failures for the longest time.
    this.failures.delete(address);
    this.failures.set(
      address,
      isCurrent ? { ...known, count: known.count + 1 } : { count: 1, until: Date.now() + WINDOW_MS },
    );
    for (const oldest of this.failures.keys()) {
      if (this.failures.size <= MAX_ADDRESSES) break;
      this.failures.delete(oldest);
    }
  }
}
