import { connect } from 'node:net';
import { eventStream } from './event-stream.mjs';
import { socketIo } from './socket-io.mjs';

/** @typedef {{ request(room: string, options: { path?: string, header?: string }): string,
 *              greet(client: Client, chunk: Buffer): boolean, attend?(client: Client, chunk: Buffer): void }} Protocol */

const protocols = { sse: eventStream, 'socket.io': socketIo };

/**
 * Every socket reads into this one buffer, and the callback runs before the next read: no allocation, no
 * stream machinery, however many clients there are.
 */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024);

const OPEN_TIMEOUT_MS = 20_000;

/** One connection that counts what it receives. */
export class Client {
  events = 0;
  /** The sequence number that the next event must carry; -1 when any will do. */
  nextSeq = -1;
  isOpen = false;
  isPaused = false;
  /** Followed only when asked for: looking for ids costs a scan of every read. */
  lastEventId = '';
  #socket;
  #tally;

  /** @param {string} room @param {import('./tally.mjs').Tally} tally */
  constructor(room, tally) {
    this.room = room;
    this.#tally = tally;
  }

  reset() {
    this.events = 0;
    this.nextSeq = -1;
  }

  /** Settles when the server has greeted: its response head, or Socket.IO's connect packet. */
  open({ port, socketPath, protocol, path, header, localAddress, followIds = false }) {
    const { request, greet, attend } = protocols[protocol];
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no response head')), OPEN_TIMEOUT_MS);
      const onRead = (length, buffer) => {
        const chunk = buffer.subarray(0, length);
        if (!this.isOpen) {
          try {
            this.isOpen = greet(this, chunk);
          } catch (error) {
            reject(error);
          }
          if (this.isOpen) {
            clearTimeout(timer);
            resolve();
          }
        }
        this.#tally.count(this, chunk);
        attend?.(this, chunk);
        if (followIds) {
          this.lastEventId = lastId(chunk) ?? this.lastEventId;
          if (chunk.includes('event: sse:gap')) this.#tally.gaps++;
        }
        return true;
      };
      const address = socketPath ? { path: socketPath } : { port, host: '127.0.0.1', localAddress };
      const socket = connect({ ...address, onread: { buffer: readBuffer, callback: onRead } });
      this.#socket = socket;
      socket.on('connect', () => socket.write(request(this.room, { path, header })));
      socket.on('error', reject);
      socket.on('close', () => {
        this.isOpen = false;
        clearTimeout(timer);
        reject(new Error('closed before it opened'));
      });
    });
  }

  /** @param {string | Buffer} data */
  write(data) {
    this.#socket.write(data);
  }

  pause() {
    this.isPaused = true;
    this.#socket.pause();
  }

  resume() {
    this.isPaused = false;
    this.#socket.resume();
  }

  close() {
    if (this.#socket.destroyed) return undefined;
    return new Promise((resolve) => {
      this.#socket.once('close', resolve);
      this.#socket.destroy();
    });
  }
}

/** The value of the last complete `id:` line of a read. */
function lastId(chunk) {
  const at = chunk.lastIndexOf('id: ');
  const end = chunk.indexOf(10, at);
  return at === -1 || end === -1 ? undefined : chunk.toString('latin1', at + 4, end);
}
