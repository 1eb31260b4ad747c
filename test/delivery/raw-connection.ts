import { request } from 'node:http';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { responseOf } from '../support/raw-response.js';
import { unchecked } from '../support/refusal.js';
import { within } from '../support/within.js';
import { ReceivedStream } from './received-stream.js';
import { ThrottledReader } from './throttled-reader.js';

/** A connection on which a test writes its requests as text, and Node's own HTTP client parses the answers. */
export class RawConnection {
  readonly reader: ThrottledReader;

  private constructor(readonly socket: Duplex) {
    this.reader = new ThrottledReader(socket);
    socket.on('error', () => {});
  }

  static tcp(port: number): RawConnection {
    return new RawConnection(connect({ host: '127.0.0.1', port }));
  }

  static tls(port: number): RawConnection {
    return new RawConnection(connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }));
  }

  static unixSocket(path: string): RawConnection {
    return new RawConnection(connect({ path }));
  }

  get(path: string, lines: readonly string[] = [], version = '1.1'): this {
    const head = [`GET ${path} HTTP/${version}`, 'Host: localhost', ...lines, '', ''];
    return this.write(head.join('\r\n'));
  }

  write(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Resolves at the head of the next answer. */
  async answer(): Promise<ReceivedStream> {
    const answerSocket = new AnswerSocket(this.reader);
    const sent = request({ method: 'GET', path: '/', createConnection: () => unchecked(answerSocket) });
    sent.end();
    const response = await within(responseOf(sent), 'the head of an answer');
    const close = (): void => {
      this.socket.destroy();
      response.close();
    };
    return new ReceivedStream({ ...response, close }, response.body, this.reader);
  }
}

/** The socket of Node's HTTP client: reads from a `ThrottledReader`, and discards writes as the request is sent already. */
class AnswerSocket extends Duplex {
  constructor(reader: ThrottledReader) {
    super();
    reader.socket.once('end', () => this.push(null));
    reader.socket.once('close', () => this.push(null));
    reader.onBytes((bytes) => this.push(bytes));
  }

  override _read(): void {}

  override _write(_bytes: Buffer, _encoding: string, done: () => void): void {
    done();
  }

  // An HTTP client calls these methods of its socket.
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
