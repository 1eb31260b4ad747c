// Shows frames: the events of this tab's client, or the bytes of a second connection.

const MAX_FRAMES = 80;
const HINTS = {
  client:
    'Rebuilt from the events of this tab’s client. A browser hides comments and retry: lines from a page; “raw bytes” shows them.',
  wire: 'The bytes of GET /stats/events, read with fetch: a second connection, open while this is chosen.',
};

export class Frames {
  #pre = document.querySelector('#frames');
  #pause = document.querySelector('#pause');
  #hideStats = document.querySelector('#hide-stats');
  #buttons = { client: document.querySelector('#client'), wire: document.querySelector('#wire') };
  #reading;
  #lastId = '';

  constructor() {
    for (const [source, button] of Object.entries(this.#buttons)) {
      button.addEventListener('click', () => this.#choose(source));
    }
    this.#hideStats.addEventListener('change', () =>
      this.#pre.classList.toggle('no-stats', this.#hideStats.checked),
    );
    this.#choose('client');
  }

  /** @param event an event of the client */
  show({ name, text, id }) {
    if (this.#reading) return;
    // The id stays what it was when an event has none of its own.
    const idLine = id && id !== this.#lastId ? [['id:', ` ${id}`]] : [];
    this.#lastId = id;
    // As on the wire, the id is last.
    const lines = [['event:', ` ${name}`], ['data:', ` ${text}`], ...idLine, ['', '']];
    this.#append(lines, name);
  }

  #choose(source) {
    this.#reading?.abort();
    this.#reading = undefined;
    this.#pre.replaceChildren();
    for (const [name, button] of Object.entries(this.#buttons)) {
      button.setAttribute('aria-pressed', String(name === source));
    }
    document.querySelector('#frames-hint').textContent = HINTS[source];
    this.#hideStats.disabled = source === 'wire';
    if (source === 'wire') void this.#read((this.#reading = new AbortController()));
  }

  async #read(reading) {
    let rest = '';
    try {
      const { body } = await fetch('stats/events', { signal: reading.signal });
      const reader = body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const lines = (rest + part.value).split('\n');
        rest = lines.pop();
        this.#append(lines.map((line) => line.match(/^(\w*:?)(.*)$/).slice(1)));
      }
      this.#append([['', '(the server has ended this connection)']]);
    } catch (error) {
      if (!reading.signal.aborted) this.#append([['', `(${error.message})`]]);
    }
  }

  #append(lines, type) {
    if (this.#pause.checked) return;
    const frame = document.createElement('div');
    if (type === 'stats') frame.className = 'stats';
    for (const [field, rest] of lines) {
      const name = document.createElement('b');
      name.textContent = field;
      frame.append(name, `${rest}\n`);
    }
    const atEnd = this.#pre.scrollHeight - this.#pre.scrollTop - this.#pre.clientHeight < 40;
    this.#pre.append(frame);
    while (this.#pre.childElementCount > MAX_FRAMES) this.#pre.firstElementChild.remove();
    if (atEnd) this.#pre.scrollTop = this.#pre.scrollHeight;
  }
}
