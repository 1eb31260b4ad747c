import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { eventually } from './within.js';

export interface RawSocketOptions {
  /** `false` reads nothing from the kernel, so that the window of the client stays full. */
  reading?: boolean;
  allowHalfOpen?: boolean;
}

/** A TCP client, for requests and ends that an HTTP client does not produce. */
export class RawSocket {
  received = '';
  /** True once the server ended or cut the connection. */
  over = false;

  private constructor(private readonly socket: Socket) {
    socket.on('error', () => {});
    socket.once('end', () => (this.over = true));
    socket.once('close', () => (this.over = true));
  }

  static async connect(url: string, options: RawSocketOptions = {}): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect({
      host: hostname,
      port: Number(port),
      allowHalfOpen: options.allowHalfOpen ?? false,
    });
    const raw = new RawSocket(socket);
    if (options.reading === false) socket.pause();
    else raw.read();
    await once(socket, 'connect');
    return raw;
  }

  /** Starts or resumes reading. */
  read(): void {
    if (this.socket.listenerCount('data') === 0) {
      this.socket.setEncoding('utf8');
      this.socket.on('data', (text: string) => (this.received += text));
    }
    this.socket.resume();
  }

  stopReading(): void {
    this.socket.pause();
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** Requests the path, by default over HTTP/1.1 on a keep-alive connection. */
  get(path: string, lines: string[] = [], version = '1.1'): void {
    this.write(`${[`GET ${path} HTTP/${version}`, 'Host: localhost', ...lines].join('\r\n')}\r\n\r\n`);
  }

  async receives(pattern: RegExp): Promise<void> {
    await eventually(() => pattern.test(this.received), `${pattern} on the socket`);
  }

  async ended(): Promise<void> {
    await eventually(() => this.over, 'the end of the connection');
  }

  /** Sends a FIN and continues to read. */
  halfClose(): void {
    this.socket.end();
  }

  /** Sends a FIN and stops reading. */
  destroy(): void {
    this.socket.destroy();
  }

  /** Sends a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }
}
