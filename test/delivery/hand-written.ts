import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { unchecked } from '../support/refusal.js';
import { within } from '../support/within.js';
import { Receiver } from './receiver.js';

/** A connection whose requests a test writes by hand, and whose answers Node's own HTTP client reads. */
export class HandWritten {
  readonly valve: Valve;

  private constructor(readonly socket: Duplex) {
    this.valve = new Valve(socket);
    socket.on('error', () => {});
  }

  static tcp(port: number): HandWritten {
    return new HandWritten(connect({ host: '127.0.0.1', port }));
  }

  static tls(port: number): HandWritten {
    return new HandWritten(connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }));
  }

  static local(path: string): HandWritten {
    return new HandWritten(connect({ path }));
  }

  get(path: string, lines: readonly string[] = [], version = '1.1'): this {
    const head = [`GET ${path} HTTP/${version}`, 'Host: localhost', ...lines, '', ''];
    return this.write(head.join('\r\n'));
  }

  write(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Resolves at the head of the next answer, whose body flows on. */
  async answer(): Promise<Receiver> {
    const lane = new Lane(this.valve);
    const asked = request({
      method: 'GET',
      path: '/',
      createConnection: () => unchecked(lane),
    });
    asked.end();
    const response = await within(
      new Promise<IncomingMessage>((resolve, reject) => {
        asked.once('response', resolve).once('error', reject);
      }),
      'the head of an answer',
    );
    asked.on('error', () => {});
    response.on('error', () => {});
    const close = (): void => {
      this.socket.destroy();
      asked.destroy();
    };
    return new Receiver(
      {
        status: response.statusCode ?? 0,
        headers: response.headers,
        body: response,
        ended: new Promise((resolve) => {
          response.once('close', () => resolve(response.complete ? 'whole' : 'cut'));
        }),
        close,
      },
      response,
      this.valve,
    );
  }
}

/** Takes no more from a socket than a test lets it; the rest stays with the kernel, as behind a client that is slow. */
export class Valve {
  #allowance = Infinity;
  #into: ((bytes: Buffer) => void) | undefined;

  constructor(readonly from: Duplex) {
    from.on('readable', () => this.#pump());
  }

  open(): void {
    this.allow(Infinity);
  }

  shut(): void {
    this.#allowance = 0;
  }

  /** Lets so many more bytes through. */
  allow(bytes: number): void {
    this.#allowance += bytes;
    this.#pump();
  }

  /** Where the bytes go from here on. */
  lead(into: (bytes: Buffer) => void): void {
    this.#into = into;
    this.#pump();
  }

  /** Puts back what was read too far: the next bytes to be read. */
  putBack(bytes: Buffer): void {
    this.#into = undefined;
    this.from.unshift(bytes);
  }

  #pump(): void {
    // Also with nothing to take: an ended stream says so only to whoever reads.
    do {
      if (this.#into === undefined || this.#allowance === 0) return;
      const bytes = this.from.read(Math.min(this.#allowance, this.from.readableLength || 1)) as Buffer | null;
      if (bytes === null) return;
      this.#allowance -= bytes.length;
      this.#into(bytes);
    } while (this.from.readableLength > 0);
  }
}

/** The socket of Node's HTTP client: what comes through the valve. What it says goes nowhere, for it was said by hand. */
class Lane extends Duplex {
  constructor(valve: Valve) {
    super();
    valve.from.once('end', () => this.push(null));
    valve.from.once('close', () => this.push(null));
    valve.lead((bytes) => this.push(bytes));
  }

  override _read(): void {}

  override _write(_bytes: Buffer, _encoding: string, done: () => void): void {
    done();
  }

  // What an HTTP client expects of its socket.
  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
