import { request } from 'node:http';
import type { TrafficNode } from '../oracle/session-traffic.js';

/** Longest time for one call, in milliseconds: longer than that of a command. */
const TIMEOUT_MS = 20_000;

/** Failures after which a call is repeated at another node. */
const REPEATED = new Set(['broker-unavailable', 'broker-closed']);

/** A node in a process of its own, over HTTP. */
export function nodeAt(url: string): TrafficNode {
  return {
    url,
    join: (session, room) => post(url, 'join', { session, room }),
    leave: (session, room) => post(url, 'leave', { session, room }),
    publish: (room, text) => post(url, 'say', { room, text }),
  };
}

async function post(url: string, path: string, body: object): Promise<number> {
  const answer = await sent(`${url}/${path}`, JSON.stringify(body)).catch((cause: unknown) => {
    throw Object.assign(new Error('the node does not answer', { cause }), { code: 'broker-unavailable' });
  });
  const { streams, failed } = JSON.parse(answer) as { streams?: number; failed?: string };
  if (failed === undefined) return streams ?? 0;
  throw Object.assign(new Error(failed), { code: REPEATED.has(failed) ? 'broker-unavailable' : failed });
}

function sent(url: string, body: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const call = request(url, {
      method: 'POST',
      headers,
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    call.on('error', reject);
    call.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 201) resolve(text);
        else reject(new Error(`${response.statusCode} ${text}`));
      });
    });
    call.end(body);
  });
}
