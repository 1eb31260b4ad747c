/** The polynomial of CRC-32 without its highest term, lowest power first (RFC 1952, 8). */
const POLYNOMIAL = 0xedb88320;
/** The polynomial 1, lowest power first: its bit is the highest. */
const ONE = 0x80000000;

/** `POWERS[n]` is x to the power of 2^n, modulo the polynomial. */
const POWERS = powersOfX();

/** Multiplies two polynomials modulo that of CRC-32. */
export function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let rest = a | 0; rest !== 0; rest <<= 1) {
    if (rest < 0) product ^= shifted;
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL;
  }
  return product;
}

/**
 * The factor by which bytes that follow multiply a CRC-32: x to the power of their bits.
 *
 * With it the CRC of a whole stream follows from those of its pieces, which all clients share:
 * `crc(a + b) = multiply(shiftOf(b.length), crc(a)) ^ crc(b)`. The cost for each client is one multiplication.
 */
export function shiftOf(byteLength: number): number {
  let shift = ONE;
  // Bit n of the length stands for 2^n bytes, or 2^(n + 3) bits. The powers repeat after 32.
  for (let rest = byteLength, n = 3; rest > 0; rest = Math.floor(rest / 2), n++)
    if (rest % 2 === 1) shift = multiply(POWERS[n % 32] as number, shift);
  return shift;
}

function powersOfX(): readonly number[] {
  const powers = [ONE >>> 1];
  while (powers.length < 32) {
    const last = powers.at(-1) as number;
    powers.push(multiply(last, last));
  }
  return powers;
}
