// The EventSource of this tab, and its POSTs.

const REOPEN_MS = 5_000;

export class Stream extends EventTarget {
  /** @type {'connecting' | 'open' | 'reconnecting'} */
  state = 'connecting';
  #params;
  #names;
  #source;
  #lastEventId = '';
  #me;

  /** @param {URLSearchParams} params  @param {string[]} names the events to listen to */
  constructor(params, names) {
    super();
    this.#params = params;
    this.#names = names;
  }

  open() {
    const query = new URLSearchParams(this.#params);
    if (this.#lastEventId) query.set('lastEventId', this.#lastEventId);
    const source = (this.#source = new EventSource(`events?${query}`));
    source.addEventListener('open', () => this.#become('open'));
    source.addEventListener('error', () => this.#failed(source));
    for (const name of this.#names) source.addEventListener(name, (event) => this.#receive(event));
  }

  /** Sends a POST for this tab. Throws an Error with the server's message if it is refused. */
  async post(path, body = {}) {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...this.#me, ...body }),
    });
    const answer = await response.text();
    const value = answer ? JSON.parse(answer) : undefined;
    if (!response.ok) throw new Error(value?.message ?? response.statusText);
    return value;
  }

  #receive(event) {
    if (event.lastEventId) this.#lastEventId = event.lastEventId;
    const data = JSON.parse(event.data);
    if (event.type === 'welcome') this.#me = { clientId: data.clientId, token: data.token };
    this.dispatchEvent(new CustomEvent('frame', { detail: event }));
    this.dispatchEvent(new CustomEvent(event.type, { detail: data }));
  }

  #failed(source) {
    this.#become('reconnecting');
    // EventSource reconnects after a cut, but not after a status other than 200.
    if (source.readyState !== EventSource.CLOSED) return;
    setTimeout(() => source === this.#source && this.open(), REOPEN_MS);
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}
