import { request } from 'node:http';
import { positionOf } from './position-of.js';

/** How long one attempt may take: a frozen node takes for ever. */
const PATIENCE_MS = 3_000;

/** How far a node has heard. */
export async function positionAt(url: string): Promise<number> {
  const answer = await fetch(`${url}/position`, { headers: { connection: 'close' } });
  return positionOf(((await answer.json()) as { id: string }).id);
}

/** One attempt to publish at a node. Resolves with the position; rejects where it may have been accepted or not. */
export async function publishAt(url: string, rooms: readonly string[], text: string): Promise<number> {
  const body = JSON.stringify({ rooms, text });
  const answer = await new Promise<string>((resolve, reject) => {
    const asked = request(`${url}/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      agent: false,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    asked.on('error', reject);
    asked.once('response', (response) => {
      let read = '';
      response.setEncoding('utf8').on('data', (part: string) => (read += part));
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 201) resolve(read);
        else reject(new Error(`${response.statusCode} ${read}`));
      });
    });
    asked.end(body);
  });
  return positionOf((JSON.parse(answer) as { id: string }).id);
}
