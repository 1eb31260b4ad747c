// The figures and tables of all nodes.
import { byId, element, opener, setText } from './dom.js';
import { bytes, count, duration, rate } from './format.js';
import { Rows } from './rows.js';

const SVG = 'http://www.w3.org/2000/svg';

const FIGURES = [
  { name: 'streams', title: 'Open streams', text: ({ streams }) => count(streams), curve: true },
  { name: 'opened', title: 'Opened per second', text: ({ opened }) => rate(opened), curve: true },
  { name: 'ended', title: 'Ended per second', text: ({ ended }) => rate(ended), curve: true },
  {
    name: 'slow',
    title: 'Slow clients',
    text: ({ slow }) => count(slow),
    detail: ({ slow, waitingBytes }) => (slow > 0 ? `${bytes(waitingBytes)} wait` : ''),
    tone: ({ slow }) => (slow > 0 ? 'warn' : ''),
  },
];

export class Overview {
  #fleet;
  #figures = new Map();
  #nodes = new Rows(byId('nodes').tBodies[0], nodeRow, showNode);
  #rooms = new Rows(
    byId('rooms').tBodies[0],
    (name) => row(opener('room', name), 1),
    ({ cells }, { size }) => setText(cells[1], count(size)),
  );
  #slow = new Rows(byId('slow').tBodies[0], slowRow, showSlow);
  #ended = new Rows(
    byId('ended').tBodies[0],
    (reason) => row(reason, 1),
    ({ cells }, { ended }) => setText(cells[1], count(ended)),
  );

  constructor(fleet) {
    this.#fleet = fleet;
    for (const figure of FIGURES) this.#addFigure(figure);
  }

  show(nowMs) {
    const fleet = this.#fleet;
    const totals = fleet.totals(nowMs);
    this.#showFigures(totals);
    const nodes = fleet.nodes(nowMs);
    this.#nodes.show(nodes.map((node) => ({ key: node.node, ...node })));
    const rooms = fleet.rooms(nowMs);
    this.#rooms.show(rooms);
    this.#slow.show(fleet.slow(nowMs));
    this.#ended.show(fleet.ended(nowMs));
    const most = Math.max(0, ...nodes.map((node) => node.rooms));
    setText(
      byId('rooms-note'),
      most > rooms.length ? `The largest ${rooms.length}. Find any other by its name.` : '',
    );
    setText(byId('slow-note'), totals.slow > 0 ? 'Their sockets are full; events wait.' : '');
    return totals;
  }

  #addFigure({ name, title, curve }) {
    const value = element('span');
    const detail = element('div', { className: 'detail' });
    const box = element('div', {}, element('dt', {}, title), element('dd', {}, value, detail));
    let line;
    if (curve) {
      const svg = document.createElementNS(SVG, 'svg');
      for (const [key, text] of [
        ['viewBox', '0 0 59 22'],
        ['preserveAspectRatio', 'none'],
        ['aria-hidden', 'true'],
      ])
        svg.setAttribute(key, text);
      svg.append((line = document.createElementNS(SVG, 'polyline')));
      // A description list may not hold a drawing beside its terms.
      box.querySelector('dd').append(svg);
    }
    byId('figures').append(box);
    this.#figures.set(name, { box, value, detail, line });
  }

  #showFigures(totals) {
    for (const { name, text, detail, tone } of FIGURES) {
      const shown = this.#figures.get(name);
      setText(shown.value, totals.nodes === 0 ? '–' : text(totals));
      setText(shown.detail, detail?.(totals) ?? '');
      shown.box.dataset.tone = tone?.(totals) ?? '';
      shown.line?.setAttribute('points', pointsOf(this.#fleet.curve(name)));
    }
  }
}

function pointsOf(values) {
  const most = Math.max(1e-9, ...values);
  const first = 60 - values.length;
  return values.map((value, index) => `${first + index},${(20 - (18 * value) / most).toFixed(1)}`).join(' ');
}

/** A row with a head cell and cells of numbers. */
function row(head, numbers, names = []) {
  const cells = Array.from({ length: numbers }, (_, index) =>
    element('td', { className: `number ${names[index] ?? ''}`.trim() }),
  );
  return element('tr', {}, element('td', {}, head), ...cells);
}

function nodeRow() {
  const created = row(element('span'), 5, ['', '', 'wide', 'wide', 'wide']);
  created.cells[0].append(element('small'));
  created.cells[1].className = '';
  created.cells[1].append(element('span', { className: 'state' }), element('small'));
  return created;
}

function showNode({ cells }, node) {
  const [name, details] = cells[0].children;
  setText(name, node.name);
  const loop = `${Math.round(100 * node.eventLoop)} % busy`;
  setText(details, [`up ${duration(node.uptimeMs)}`, bytes(node.memoryBytes), loop].join(' · '));
  const [state, error] = cells[1].children;
  state.dataset.state = node.isSilent ? 'silent' : node.broker.state;
  setText(state, node.isSilent ? 'silent' : node.broker.state);
  setText(error, node.broker.error ?? '');
  const figures = [count(node.streams), count(node.rooms), rate(node.rates.opened), rate(node.rates.ended)];
  figures.forEach((text, index) => setText(cells[index + 2], text));
}

function slowRow(id) {
  const created = row(opener('client', id, id.slice(0, 8)), 2);
  created.cells[0].append(element('small'));
  return created;
}

function showSlow({ cells }, { name, user, queuedBytes, stalledMs }) {
  setText(cells[0].lastElementChild, user === undefined ? name : `${user} · ${name}`);
  setText(cells[1], bytes(queuedBytes));
  setText(cells[2], duration(stalledMs));
}
