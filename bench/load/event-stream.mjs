/** Sends the request of an `EventSource`. The client is open when it has received status 200. */

/** @type {import('./client.mjs').Protocol} */
export const eventStream = {
  request(room, { path = `/rooms/${room}/events`, header }) {
    const more = header ? `${header}\r\n` : '';
    return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\n${more}\r\n`;
  },

  greet(_client, chunk) {
    const status = chunk.toString('latin1', 0, 12);
    if (status !== 'HTTP/1.1 200')
      throw new Error(`expected status 200: ${chunk.toString('latin1', 0, 200)}`);
    return true;
  },
};
