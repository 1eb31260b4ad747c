import { parsed, type Parsed } from '../protocol/parsed.js';
import { eventually, within } from '../support/within.js';
import type { Ending } from '../support/event-stream.js';
import type { RawResponse } from '../support/raw-response.js';
import type { Readable } from 'node:stream';
import type { Valve } from './hand-written.js';

/** Long enough for megabytes on a busy machine; a safety net, never a measurement. */
export const PATIENCE_MS = 25_000;

/** What one client received of one stream: bytes after the transfer coding was taken off by Node's own client. */
export class Receiver {
  readonly headers: RawResponse['headers'];
  readonly pieces: Buffer[] = [];
  readonly ended: Promise<Ending>;
  length = 0;
  #ending: Ending | undefined;

  constructor(
    readonly response: RawResponse,
    private readonly content: Readable = response.body,
    /** Where a test says how much is read. */
    readonly valve?: Valve,
  ) {
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    this.headers = response.headers;
    content.on('error', () => {});
    content.on('data', (piece: Buffer) => {
      this.pieces.push(piece);
      this.length += piece.length;
    });
    this.ended = response.ended.then(async (ending) => {
      // What a decoder still holds comes after the end of what it decodes.
      if (content !== response.body && ending === 'whole')
        await within(new Promise((done) => this.whenDone(done)), 'the last decoded byte');
      return (this.#ending = ending);
    });
  }

  get body(): Buffer {
    return Buffer.concat(this.pieces);
  }

  get isOpen(): boolean {
    return this.#ending === undefined;
  }

  /** By a parser that the project did not write, fed with the pieces as they came. */
  parsed(): Parsed {
    return parsed(...this.pieces);
  }

  /** Resolves once so many bytes are here; says what came instead where the stream ends before. */
  async holds(bytes: number): Promise<void> {
    await eventually(
      () => this.length >= bytes || !this.isOpen,
      `${bytes} bytes, ${this.length} were received`,
      PATIENCE_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; ${this.length} of them came`, { cause: error });
    });
  }

  close(): void {
    this.response.close();
  }

  private whenDone(done: (value: unknown) => void): void {
    if (this.content.readableEnded || this.content.destroyed) done(undefined);
    else this.content.once('end', done).once('error', done);
  }
}
