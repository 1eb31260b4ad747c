// What the panels of a client and of a room have in common: a stream while they are open, and the form of a test event.
import { byId, element, setText } from './dom.js';
import { change, Feed } from './feed.js';
import { streams } from './format.js';

/** Time after which an id or a name that no node answers for is said to be unknown, in milliseconds. */
const UNKNOWN_MS = 4_000;

export class Panel {
  #dialog;
  #kind;
  #feed;
  #timer;
  /** The client or the room that is shown. */
  name = '';

  /** @param kind 'client' or 'room' */
  constructor(kind) {
    this.#kind = kind;
    this.#dialog = byId(kind);
    this.#dialog.querySelector('.close').addEventListener('click', () => this.#dialog.close());
    this.#dialog.addEventListener('close', () => this.#closed());
    // A click on what lies behind it.
    this.#dialog.addEventListener('click', ({ target }) => target === this.#dialog && this.#dialog.close());
    this.#addTestForm();
  }

  get dialog() {
    return this.#dialog;
  }

  /** Shows another client or room. */
  open(name) {
    this.name = name;
    this.reset();
    setText(byId(`${this.#kind}-${this.#kind === 'client' ? 'id' : 'name'}`), name);
    this.say('Looking on all nodes …');
    for (const result of this.#dialog.querySelectorAll('.result')) setText(result, '');
    this.listen();
    this.#timer = setTimeout(() => this.unknown(), UNKNOWN_MS);
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
  }

  /** Opens the stream of what is shown. @param params added to the subject */
  listen(params = {}) {
    this.#feed?.close();
    this.#feed = new Feed({ [this.#kind]: this.name, ...params }, this.handlers());
  }

  /** A node has answered. */
  found() {
    clearTimeout(this.#timer);
  }

  say(text) {
    setText(byId(`${this.#kind}-state`), text);
  }

  #closed() {
    clearTimeout(this.#timer);
    this.#feed?.close();
    this.#feed = undefined;
  }

  #addTestForm() {
    const form = this.#dialog.querySelector('.test');
    form.append(byId('test-event').content.cloneNode(true));
    form.addEventListener('submit', (submit) => {
      submit.preventDefault();
      const { event, data } = form.elements;
      const result = form.querySelector('.result');
      const send = () => change('send', { [this.#kind]: this.name, event: event.value, data: data.value });
      void showResult(result, send, (reached) => `Sent to ${streams(reached.streams)}`);
    });
  }
}

/** Runs a change, and says how it went. */
export async function showResult(target, run, text) {
  setText(target, '…');
  target.dataset.failed = 'false';
  try {
    setText(target, text(await run()));
  } catch (error) {
    target.dataset.failed = 'true';
    setText(target, error.message);
  }
}

/** Shows names as buttons that open them, unless they are shown already. */
export function showChips(list, names, opened) {
  const key = JSON.stringify(names);
  if (list.dataset.shown === key) return;
  list.dataset.shown = key;
  list.replaceChildren(...names.map((name) => element('li', {}, opened(name))));
}
