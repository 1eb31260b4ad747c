// The nodes: state, figures, and the button that kills them.

const FIGURES = [
  ['pid', 'pid'],
  ['clients', 'streams'],
  ['published', 'published/s'],
  ['deliveries', 'delivered/s'],
];

function element(name, parent, text = '', className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  parent.append(made);
  return made;
}

export class NodeMap {
  #map;
  #cards;
  #states = new Map();
  /** Restart time of each dead node, by this page's clock. */
  #startsAt = new Map();

  /** @param send called with `A/kill` or `A/start` */
  constructor(map, parent, send) {
    this.#map = map;
    this.#cards = new Map(['A', 'B'].map((name) => [name, new Card(parent, name, send)]));
    setInterval(() => this.#countDown(), 250);
  }

  /** The node that this tab is connected to; empty while there is none. */
  get on() {
    return this.#map.dataset.on;
  }

  set on(name) {
    this.#map.dataset.on = name;
    for (const [other, card] of this.#cards) card.isOn = other === name;
  }

  /** @returns the nodes whose state has changed since the last call */
  show(nodes) {
    for (const node of nodes) {
      this.#cards.get(node.name).show(node);
      this.#startsAt.set(node.name, Date.now() + (node.startsInMs ?? 0));
    }
    this.#map.dataset.up = nodes.filter(({ state }) => state === 'up').map(({ name }) => name).join(' ');
    const changed = nodes.filter(({ name, state }) => (this.#states.get(name) ?? state) !== state);
    for (const { name, state } of nodes) this.#states.set(name, state);
    this.#countDown();
    return changed;
  }

  #countDown() {
    for (const [name, card] of this.#cards) {
      if (this.#states.get(name) !== 'down') continue;
      const seconds = Math.max(0, Math.ceil((this.#startsAt.get(name) - Date.now()) / 1000));
      card.setText(`dead, starts again in ${seconds} s`);
    }
  }
}

class Card {
  #card;
  #text;
  #values;
  #button;
  #state = 'starting';
  #isOn = false;

  constructor(parent, name, send) {
    const card = (this.#card = element('article', parent, '', 'card node'));
    card.dataset.node = name;
    card.setAttribute('aria-label', `Node ${name}`);
    element('span', card, name, 'badge').setAttribute('aria-hidden', 'true');
    const title = element('div', card, '', 'name');
    element('h2', title, `Node ${name}`);
    this.#text = element('p', title, '…');
    this.#button = element('button', card, `Kill node ${name}`);
    this.#button.type = 'button';
    this.#button.addEventListener('click', () => {
      this.#button.disabled = true;
      send(`${name}/${this.#state === 'up' ? 'kill' : 'start'}`);
    });
    const list = element('dl', card);
    this.#values = FIGURES.map(([key, label]) => {
      const figure = element('div', list);
      element('dt', figure, label);
      return [key, element('dd', figure, '–')];
    });
  }

  set isOn(isOn) {
    this.#isOn = isOn;
    this.#card.classList.toggle('on', isOn);
    this.#describe();
  }

  show(node) {
    const { name, state } = node;
    if (state !== this.#state || state === 'up') this.#button.disabled = state === 'starting';
    this.#state = this.#card.dataset.state = state;
    this.#button.textContent = state === 'up' ? `Kill node ${name}` : 'Start it now';
    for (const [key, value] of this.#values) value.textContent = state === 'up' ? `${node[key]}` : '–';
    this.#describe();
  }

  setText(text) {
    this.#text.textContent = text;
  }

  #describe() {
    if (this.#state === 'up') this.setText(this.#isOn ? 'this tab is here' : 'up');
    if (this.#state === 'starting') this.setText('starting …');
  }
}
