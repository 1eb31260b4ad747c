// Follows a run of the server to its end, through reconnects.
import { connectSse } from '../client/index.js';

/** `parse` of the client: the words of an answer are text, also `42`. */
const parse = (text, name) => (name === 'words' ? text : JSON.parse(text));

/** Answers after which the client asks no more: 204 for a run that the server does not have any more. */
const finalStatuses = [204, 400, 401, 403, 404];

/**
 * @param options those of `connectSse`: with a `body` the request is the POST that starts the run
 * @param show `{ events, state }`: listeners by name of event; `state(state, detail)` receives `running`, `waiting`, or the last
 * state: `done`, `stopped`, `failed`, `gone`, or `refused` where the server has not started it
 */
export function followRun(url, { events, state }, options = {}) {
  const live = connectSse(url, { parse, finalStatuses, onError: () => {}, ...options });
  let end;
  for (const [name, show] of Object.entries(events)) live.on(name, show);
  live.on('sse:end', (data) => (end = data));
  // A run that the server has lost and begun again sends `begin` once more, from which the page shows it afresh.
  live.onGap(() => {});
  live.onState((now, { status }) => {
    if (now === 'live' || now === 'stale') state('running');
    else if (now === 'waiting') state('waiting');
    else if (now === 'closed' && end) state(end.state, end);
    else if (now === 'closed') state(options.body && status !== 204 ? 'refused' : 'gone', { status });
  });
  return live;
}

/** Why a run has ended, in words. */
export function describeEnd({ state, reason }, node) {
  if (state === 'done') return 'done';
  if (state === 'stopped') return reason === 'unwatched' ? 'stopped: nobody was watching' : 'stopped';
  if (reason === 'lease') return node ? `failed: node ${node} has died` : 'failed: its server has died';
  return `failed${reason ? `: ${reason}` : ''}`;
}

/** Returns 32 random hexadecimal digits. `crypto.randomUUID` needs HTTPS or localhost. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
