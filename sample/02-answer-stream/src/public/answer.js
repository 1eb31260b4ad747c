// One question and its answer. Everything is shown as text, never as HTML.
import { describeEnd, followRun } from './run.js';

const LATE_WORDS = 3;

const element = (name, parent, className, text = '') => {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  parent.append(made);
  return made;
};

export class Answer {
  #article = document.createElement('article');
  #text;
  #status;
  #stop;
  #kill;
  #live;
  #node;
  #words = 0;
  #isOver = false;
  #onChange;

  /**
   * @param send posts to a path; @param onChange called when the answer goes on, ends or grows
   * @param isNew true sends the question, false follows its answer
   */
  constructor(parent, { id, question }, { send, onChange, isNew }) {
    this.#onChange = onChange;
    element('p', this.#article, 'question', question);
    this.#text = element('p', this.#article, 'text');
    const bar = element('div', this.#article, 'bar');
    this.#status = element('span', bar, 'status', 'starting');
    this.#status.setAttribute('role', 'status');
    this.#stop = this.#button(bar, '', 'Stop', () => send(`answers/${id}/stop`));
    this.#kill = this.#button(bar, 'kill', '', () => send(`nodes/${this.#node}/kill`));
    parent.append(this.#article);
    const post = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ question }),
    };
    const events = { begin: ({ node }) => this.#begin(node), words: (words) => this.#add(words) };
    const state = (name, detail) => this.#become(name, detail);
    this.#live = followRun(`answers/${id}`, { events, state }, isNew ? post : {});
  }

  /** False once there is nothing more to come. */
  get isOpen() {
    return !this.#isOver;
  }

  get state() {
    return this.#article.dataset.state;
  }

  remove() {
    this.#live.close();
    this.#article.remove();
  }

  #button(bar, className, text, press) {
    const button = element('button', bar, className, text);
    button.type = 'button';
    button.hidden = true;
    button.addEventListener('click', () => {
      button.disabled = true;
      press().finally(() => (button.disabled = false));
    });
    return button;
  }

  /** Comes again where the server has lost the answer, and begins it anew. */
  #begin(node) {
    this.#node = node;
    this.#words = 0;
    this.#text.replaceChildren();
    this.#kill.textContent = `Kill node ${node}`;
    this.#show();
  }

  /** Words that came together were typed while the page was away: they are marked. */
  #add(words) {
    const count = words.trim().split(/\s+/).length;
    this.#words += count;
    if (count > LATE_WORDS) element('mark', this.#text, '', words);
    else this.#text.append(words);
    this.#show();
  }

  #become(state, detail) {
    // The client closes behind the end, and when the page removes the answer.
    if (this.#isOver) return;
    this.#article.dataset.state = state;
    this.#isOver = !['running', 'waiting'].includes(state);
    this.#show(detail);
  }

  #show(detail = {}) {
    const { state } = this;
    const words = `${this.#words} words`;
    const by = this.#node ? `, typed by node ${this.#node}` : '';
    this.#status.textContent = {
      running: `typing: ${words}${by}`,
      waiting: `reconnecting after ${words}`,
      gone: 'the server does not have this answer any more',
      refused: `the server has refused the question (${detail.status})`,
    }[state] ?? `${describeEnd({ ...detail, state }, this.#node)}, ${words}`;
    this.#stop.hidden = this.#isOver;
    this.#kill.hidden = this.#isOver || !this.#node;
    this.#onChange();
  }
}
