/**
 * The little of WebSocket and Socket.IO that a counting client needs: upgrade, connect packet, pong. Raw for
 * the same reason as the event stream: a real client library would cost more than the server under test.
 */
import { randomBytes } from 'node:crypto';

const ENGINE_PING = Buffer.from([0x81, 0x01, 0x32]); // text frame "2"

/** @type {import('./client.mjs').Protocol} */
export const socketIo = {
  request(room) {
    const key = randomBytes(16).toString('base64');
    return (
      `GET /socket.io/?EIO=4&transport=websocket&room=${room} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\n` +
      `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`
    );
  },

  /** 101, then Engine.IO's open packet `0{…}`: answered with `40`, which the server confirms with `40{"sid":…}`. */
  greet(client, chunk) {
    if (chunk.includes('HTTP/1.1 101')) client.write(textFrame('40'));
    return chunk.includes('40{"sid"');
  },

  attend(client, chunk) {
    if (chunk.includes(ENGINE_PING)) client.write(textFrame('3'));
  },
};

/** A masked text frame (clients must mask; a mask of zeros is a mask). Up to 125 characters. */
function textFrame(text) {
  const body = Buffer.from(text);
  return Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]);
}
