/** A coding and its weight: `gzip`, `*;q=0.5` (RFC 9110, 12.5.3 and 12.4.2). */
const CODING = /^\s*([^\s;,]+)\s*(?:;\s*q\s*=\s*(\d(?:\.\d{0,3})?)\s*)?$/i;

/**
 * Tells from the header `Accept-Encoding` whether a response may have the content coding gzip. A client without the header
 * receives plain bytes, although RFC 9110 would let it receive any coding.
 */
export function acceptsGzip(header: string | undefined): boolean {
  let gzip: number | undefined;
  let others = 0;
  for (const part of header?.split(',') ?? []) {
    const [, coding = '', weight = '1'] = CODING.exec(part) ?? [];
    // RFC 9110, 8.4.1.3: `x-gzip` is the same coding.
    if (/^(x-)?gzip$/i.test(coding)) gzip = Math.max(gzip ?? 0, Number(weight));
    if (coding === '*') others = Number(weight);
  }
  return (gzip ?? others) > 0;
}
