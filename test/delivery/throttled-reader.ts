import type { Duplex } from 'node:stream';

/** Takes no more from a socket than a test allows; the rest stays in the kernel, as behind a slow client. */
export class ThrottledReader {
  #allowance = Infinity;
  #consumer: ((bytes: Buffer) => void) | undefined;

  constructor(readonly socket: Duplex) {
    socket.on('readable', () => this.#read());
  }

  resume(): void {
    this.allow(Infinity);
  }

  pause(): void {
    this.#allowance = 0;
  }

  /** Allows so many more bytes. */
  allow(bytes: number): void {
    this.#allowance += bytes;
    this.#read();
  }

  /** Replaces the consumer of all bytes from now on. */
  onBytes(consumer: (bytes: Buffer) => void): void {
    this.#consumer = consumer;
    this.#read();
  }

  /** Removes the consumer and returns bytes to the socket, to be read next. */
  unread(bytes: Buffer): void {
    this.#consumer = undefined;
    this.socket.unshift(bytes);
  }

  #read(): void {
    // Reads at least once, also without data: an ended stream emits 'end' only after a read.
    do {
      if (this.#consumer === undefined || this.#allowance === 0) return;
      const bytes = this.socket.read(
        Math.min(this.#allowance, this.socket.readableLength || 1),
      ) as Buffer | null;
      if (bytes === null) return;
      this.#allowance -= bytes.length;
      this.#consumer(bytes);
    } while (this.socket.readableLength > 0);
  }
}
