import { parsed, type Parsed } from '../protocol/parsed.js';
import { PATIENCE_MS, eventually, within } from '../support/within.js';
import type { Ending } from '../support/event-stream.js';
import type { RawResponse } from '../support/raw-response.js';
import type { Readable } from 'node:stream';
import type { ThrottledReader } from './throttled-reader.js';

/** The bytes that one client received of one stream, after Node's HTTP client removed the transfer coding. */
export class ReceivedStream {
  readonly headers: RawResponse['headers'];
  readonly pieces: Buffer[] = [];
  readonly ended: Promise<Ending>;
  length = 0;
  #ending: Ending | undefined;

  constructor(
    readonly response: RawResponse,
    private readonly content: Readable = response.body,
    /** Limits how much is read, where the test needs a slow client. */
    readonly reader?: ThrottledReader,
  ) {
    if (response.status !== 200) throw new Error(`answered ${response.status}`);
    this.headers = response.headers;
    content.on('error', () => {});
    content.on('data', (piece: Buffer) => {
      this.pieces.push(piece);
      this.length += piece.length;
    });
    this.ended = response.ended.then(async (ending) => {
      // A decoder may emit bytes after the end of the response that it decodes.
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

  /** Parses the pieces as they arrived, with a parser that the project did not write. */
  parsed(): Parsed {
    return parsed(...this.pieces);
  }

  /** Resolves once so many bytes have arrived or the stream has ended; throws after `PATIENCE_MS`. */
  async reaches(bytes: number): Promise<void> {
    await eventually(() => this.length >= bytes || !this.isOpen, `${bytes} bytes`, PATIENCE_MS).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}; received: ${this.length}`, { cause: error });
      },
    );
  }

  close(): void {
    this.response.close();
  }

  private whenDone(done: (value: unknown) => void): void {
    if (this.content.readableEnded || this.content.destroyed) done(undefined);
    else this.content.once('end', done).once('error', done);
  }
}
