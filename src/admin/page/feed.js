// The streams of the page, and its changes. Addresses are relative to this file: a prefix of a proxy is kept.

const REOPEN_MS = 5_000;

function address(path, params = {}) {
  const url = new URL(`../${path}`, import.meta.url);
  // The browser sends credentials of the page's address by itself, and refuses them here.
  url.username = url.password = '';
  for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
  return url;
}

/** An `EventSource` that opens again after a status, too. */
export class Feed {
  #params;
  #handlers;
  #onState;
  #source;
  #timer;

  /**
   * @param params the subject, as in `{ client, sent }`
   * @param handlers by name of the event: called with its parsed data
   * @param onState called with 'live', 'reconnecting' or 'refused'
   */
  constructor(params, handlers, onState = () => {}) {
    this.#params = params;
    this.#handlers = handlers;
    this.#onState = onState;
    this.#open();
  }

  close() {
    clearTimeout(this.#timer);
    this.#source.close();
  }

  #open() {
    const source = (this.#source = new EventSource(address('events', this.#params)));
    source.addEventListener('open', () => this.#onState('live'));
    source.addEventListener('error', () => {
      const isRefused = source.readyState === EventSource.CLOSED;
      this.#onState(isRefused ? 'refused' : 'reconnecting');
      if (isRefused) this.#timer = setTimeout(() => this.#open(), REOPEN_MS);
    });
    for (const [name, handle] of Object.entries(this.#handlers))
      source.addEventListener(name, ({ data }) => handle(JSON.parse(data)));
  }
}

/** Makes a change on all nodes. @returns the answer; throws an Error with the server's message if it is refused */
export async function change(path, body) {
  const response = await fetch(address(path), {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'sse-admin': '1' },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => undefined);
  if (!response.ok) throw new Error(answer?.message ?? `Refused with status ${response.status}`);
  return answer;
}
