import { request } from 'node:http';
import { positionOf } from '../support/wire-ids.js';

/** The longest duration of an attempt: a frozen node never answers. */
const TIMEOUT_MS = 3_000;

/** Tries once to publish on a node. Resolves with the position; rejects where the outcome is unknown. */
export async function publishAt(url: string, rooms: readonly string[], text: string): Promise<number> {
  const body = JSON.stringify({ rooms, text });
  const answer = await new Promise<string>((resolve, reject) => {
    const sent = request(`${url}/publish`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    sent.on('error', reject);
    sent.once('response', (response) => {
      let answerText = '';
      response.setEncoding('utf8').on('data', (part: string) => (answerText += part));
      response.once('error', reject);
      response.once('end', () => {
        if (response.statusCode === 201) resolve(answerText);
        else reject(new Error(`${response.statusCode} ${answerText}`));
      });
    });
    sent.end(body);
  });
  return positionOf((JSON.parse(answer) as { id: string }).id);
}
