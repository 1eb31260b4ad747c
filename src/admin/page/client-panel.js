// One client: its rooms, the events it is sent, and the buttons to send one and to end its stream.
import { byId, element, opener, setText, showFacts } from './dom.js';
import { change } from './feed.js';
import { bytes, count, duration } from './format.js';
import { Panel, showChips, showResult } from './panel.js';

/** Events that the list shows. */
const MAX_SHOWN = 100;
/** Characters of data from which on a button shows the rest. */
const LONG_TEXT = 240;

export class ClientPanel extends Panel {
  #watch = byId('watch');
  #sent = byId('sent');

  constructor() {
    super('client');
    this.#watch.addEventListener('click', () => this.#toggleWatch());
    byId('end').addEventListener('click', ({ target }) => this.#step(target.dataset.step));
    this.dialog.addEventListener('close', () => this.reset());
  }

  reset() {
    this.#setWatching(false);
    this.#sent.replaceChildren();
    this.#ask(false);
    showFacts(byId('client-facts'), []);
    showChips(byId('client-rooms'), []);
    setText(byId('client-rooms-note'), '');
  }

  handlers() {
    return { client: (report) => this.#show(report), sent: (sent) => this.#add(sent) };
  }

  unknown() {
    this.say('No open stream has this id.');
  }

  #show({ name, user, path, rooms, roomCount, isSlow, queuedBytes, lastWriteMs, ended }) {
    this.found();
    this.say(ended === undefined ? `Open on ${name}` : `Ended: ${ended}`);
    showFacts(byId('client-facts'), [
      ['User', user],
      ['Request', path],
      ['Waiting', isSlow ? `${bytes(queuedBytes)}: its socket is full` : 'Nothing, it keeps up'],
      ['Last write', `${duration(lastWriteMs)} ago`],
    ]);
    showChips(byId('client-rooms'), rooms, (room) => opener('room', room));
    const more = roomCount - rooms.length;
    const note = roomCount === 0 ? 'It is in no room.' : more > 0 ? `and ${count(more)} more` : '';
    setText(byId('client-rooms-note'), note);
  }

  #toggleWatch() {
    const isOn = this.#watch.getAttribute('aria-pressed') !== 'true';
    this.#setWatching(isOn);
    this.listen(isOn ? { sent: 'true' } : {});
  }

  #setWatching(isOn) {
    this.#watch.setAttribute('aria-pressed', String(isOn));
    setText(this.#watch, isOn ? 'Stop' : 'Show live');
  }

  #add({ events, omitted }) {
    const time = new Date().toLocaleTimeString();
    const items = events.map(({ event, id, data, bytes: size }) => {
      const facts = [time, bytes(size), id].filter(Boolean).map((text) => element('span', {}, text));
      const title = element('p', {}, element('strong', {}, event ?? 'message'), ...facts);
      const text = element('pre', {}, data);
      return element('li', {}, title, text, ...(data.length > LONG_TEXT ? [expander()] : []));
    });
    if (omitted > 0) items.push(element('li', {}, `${count(omitted)} more in the same moment`));
    this.#sent.prepend(...items.toReversed());
    while (this.#sent.children.length > MAX_SHOWN) this.#sent.lastElementChild.remove();
  }

  #step(step) {
    if (step === 'ask') this.#ask(true);
    if (step === 'cancel') this.#ask(false, true);
    if (step !== 'do') return;
    this.#ask(false, true);
    const end = () => change('disconnect', { client: this.name });
    void showResult(byId('end-result'), end, ({ streams }) =>
      streams === 0 ? 'It had ended already' : 'The stream has ended',
    );
  }

  /** Asks whether to end the stream, or takes the question back. The focus follows the buttons. */
  #ask(isAsked, focuses = isAsked) {
    const [first, confirm] = byId('end').children;
    first.hidden = isAsked;
    confirm.hidden = !isAsked;
    if (focuses) (isAsked ? confirm.querySelector('[data-step=cancel]') : first).focus();
  }
}

/** A button after data, of which some lines are shown. */
function expander() {
  const button = element('button', { type: 'button', className: 'more' }, 'Show all');
  button.setAttribute('aria-expanded', 'false');
  button.addEventListener('click', () => {
    const isWhole = button.getAttribute('aria-expanded') !== 'true';
    button.setAttribute('aria-expanded', String(isWhole));
    setText(button, isWhole ? 'Show less' : 'Show all');
  });
  return button;
}
