/** Streams with the request headers of a browser. */
import { connect } from 'node:net';

const SHARED = Buffer.alloc(65_536);

const HEADERS = {
  Host: 'localhost:3000',
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  Accept: 'text/event-stream',
  'Accept-Language': 'en-US,en;q=0.5',
  'Accept-Encoding': 'gzip, deflate, br',
  Referer: 'http://localhost:3000/',
  Cookie: 'session=8f14e45fceea167a5a36dedd4bea2543',
  Connection: 'keep-alive',
  'Cache-Control': 'no-cache',
};

/**
 * Opens a stream. Settles at its first bytes, with its socket and the id in them.
 *
 * @param {number} port
 * @param {string} [lastEventId]
 * @returns {Promise<{ socket: import('node:net').Socket, id: string | undefined }>}
 */
export function openStream(port, lastEventId) {
  return new Promise((resolve, reject) => {
    let isOpen = false;
    const callback = (length) => {
      if (isOpen) return true;
      isOpen = true;
      const [, id] = /^id: (\S+)$/m.exec(SHARED.toString('latin1', 0, length)) ?? [];
      resolve({ socket, id });
      return true;
    };
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer: SHARED, callback } });
    const headers = lastEventId === undefined ? HEADERS : { ...HEADERS, 'Last-Event-ID': lastEventId };
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`GET /rooms/1/events HTTP/1.1\r\n${lines.join('')}\r\n`);
    socket.on('error', reject);
  });
}

/** Opens many streams, some at a time. */
export async function openStreams({ port, clients, window = 20, lastEventId }) {
  const streams = [];
  let left = clients;
  const worker = async () => {
    while (left-- > 0) streams.push(await openStream(port, lastEventId));
  };
  await Promise.all(Array.from({ length: window }, worker));
  return streams;
}
