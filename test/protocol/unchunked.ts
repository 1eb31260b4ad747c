/**
 * The chunks of an HTTP/1.1 chunked body (RFC 9112, section 7.1), without extensions and trailers; a last chunk, of
 * length 0, must be the end. Throws for whatever is not exactly that.
 */
export function unchunked(body: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  let offset = 0;
  while (offset < body.length) {
    const lineEnd = body.indexOf('\r\n', offset);
    const head = body.toString('latin1', offset, lineEnd);
    if (lineEnd < 0 || !/^[0-9a-f]+$/i.test(head))
      throw new Error(`no chunk length: ${JSON.stringify(head)}`);
    const start = lineEnd + 2;
    const end = start + parseInt(head, 16);
    if (body.toString('latin1', end, end + 2) !== '\r\n') throw new Error(`no CRLF after chunk of ${head}`);
    offset = end + 2;
    if (end === start) {
      if (offset !== body.length) throw new Error('bytes after the last chunk');
      return chunks;
    }
    chunks.push(body.subarray(start, end));
  }
  return chunks;
}
