// The figures and tables of all nodes.
import { byId, element, opener, setText } from './dom.js';
import { Figures } from './figures.js';
import { bytes, count, duration, rate } from './format.js';
import { Rows } from './rows.js';

/** States of a broker, in words. */
const BROKER = {
  live: ['Live', ''],
  syncing: ['Catching up', 'Reads what it has missed'],
  down: ['Not reachable', 'No events of other nodes'],
};

/** Counters of the second table, always in this order. */
const RESUMES = [
  ['resumes/full', 'Resumed in full', 'Nothing was lost'],
  ['resumes/partial', 'Resumed with a gap', 'A part was gone from the history'],
  ['resumes/none', 'Not resumed', 'Nothing could be read'],
  ['gaps/trimmed', 'Gaps: trimmed', 'The history was too short'],
  ['gaps/epoch', 'Gaps: epoch', 'The history was lost, as by a new Redis'],
  ['gaps/invalid', 'Gaps: invalid', 'The position was none of this server'],
  ['gaps/session', 'Gaps: session', 'The session was no longer stored'],
  ['volatileDropped', 'Volatile events dropped', 'For slow clients, by design'],
];

export class Overview {
  #fleet;
  #figures = new Figures();
  #nodes = new Rows(byId('nodes').tBodies[0], nodeRow, showNode);
  #rooms = new Rows(
    byId('rooms').tBodies[0],
    (name) => row(opener('room', name), 1),
    ({ cells }, { size }) => setText(cells[1], count(size)),
  );
  #slow = new Rows(byId('slow').tBodies[0], slowRow, showSlow);
  #resumes = new Rows(byId('resumes').tBodies[0], resumeRow, showCounts);
  #ended = new Rows(byId('ended').tBodies[0], (reason) => row(reason, 2), showCounts);

  constructor(fleet) {
    this.#fleet = fleet;
  }

  /** Shows the newest figures. @returns their totals */
  show(nowMs) {
    const { nodes, rooms, isPart, slow, counts, totals } = this.#fleet.view(nowMs);
    const gaps = countsOf(counts, 'gaps/');
    this.#figures.show({ ...totals, gaps: sumOf(gaps, 'recent'), allGaps: sumOf(gaps, 'total') }, (name) =>
      this.#fleet.curve(name),
    );
    this.#nodes.show(nodes.map((node) => ({ key: node.node, ...node })));
    this.#rooms.show(rooms);
    this.#slow.show(slow);
    this.#resumes.show(
      totals.nodes === 0 ? [] : RESUMES.map(([key]) => ({ key, total: 0, recent: 0, ...counts.get(key) })),
    );
    this.#ended.show(countsOf(counts, 'ended/').toSorted((a, b) => b.total - a.total));
    setText(byId('rooms-note'), isPart ? `The largest ${rooms.length}. Find any other by its name.` : '');
    setText(byId('slow-note'), totals.slow > 0 ? 'Their sockets are full; events wait.' : '');
    return totals;
  }
}

/** The counters of a group, with the rest of their names as keys. */
function countsOf(counts, prefix) {
  return [...counts]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, value]) => ({ key: name.slice(prefix.length), ...value }));
}

function sumOf(counts, name) {
  return counts.reduce((total, each) => total + each[name], 0);
}

/** A row with a head cell and cells of numbers. */
function row(head, numbers, names = []) {
  const cells = Array.from({ length: numbers }, (_, index) =>
    element('td', { className: `number ${names[index] ?? ''}`.trim() }),
  );
  return element('tr', {}, element('td', {}, head), ...cells);
}

function showCounts({ cells }, { recent, total }) {
  setText(cells[1], recent === 0 ? '–' : count(recent));
  setText(cells[2], count(total));
}

function resumeRow(key) {
  const [, title, meaning] = RESUMES.find(([name]) => name === key);
  const created = row(title, 2);
  created.cells[0].append(element('small', {}, meaning));
  return created;
}

function nodeRow() {
  const created = row(element('span'), 6, ['', '', 'wide', 'wide', 'wide', 'wide']);
  created.cells[0].append(element('small'), element('small', { className: 'narrow' }));
  created.cells[1].className = '';
  created.cells[1].append(element('span', { className: 'state' }), element('small'));
  return created;
}

function showNode({ cells }, node) {
  const { isSilent, silentMs, broker, rates } = node;
  const [name, details, narrow] = cells[0].children;
  setText(name, node.name);
  const loop = `${Math.round(100 * node.eventLoop)} % busy`;
  setText(details, [`up ${duration(node.uptimeMs)}`, bytes(node.memoryBytes), loop].join(' · '));
  const [word, meaning] = isSilent
    ? [`Silent for ${duration(silentMs)}`, 'Left out of all sums']
    : (BROKER[broker.state] ?? [broker.state, '']);
  const [state, error] = cells[1].children;
  state.dataset.state = isSilent ? 'silent' : broker.state;
  setText(state, word);
  setText(error, isSilent ? meaning : (broker.error ?? meaning));
  const figures = [node.streams, node.rooms].map((value) => (isSilent ? '–' : count(value)));
  for (const each of ['opened', 'ended', 'deliveries']) figures.push(isSilent ? '–' : rate(rates[each]));
  const [, rooms, opened, ended, delivered] = figures;
  setText(narrow, `${rooms} ${rooms === '1' ? 'room' : 'rooms'} · opened ${opened}/s · ended ${ended}/s · delivered ${delivered}/s`);
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
