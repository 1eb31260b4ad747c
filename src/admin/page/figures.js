// The large figures of all nodes, some with a curve of the last two minutes.
import { byId, element, setText } from './dom.js';
import { bytes, count, rate } from './format.js';

const SVG = 'http://www.w3.org/2000/svg';

const FIGURES = [
  { name: 'streams', title: 'Open streams', text: ({ streams }) => count(streams), curve: true },
  { name: 'opened', title: 'Opened per second', text: ({ opened }) => rate(opened), curve: true },
  { name: 'ended', title: 'Ended per second', text: ({ ended }) => rate(ended), curve: true },
  {
    name: 'deliveries',
    title: 'Delivered per second',
    text: ({ deliveries }) => rate(deliveries),
    curve: true,
  },
  {
    name: 'slow',
    title: 'Slow clients',
    text: ({ slow }) => count(slow),
    detail: ({ slow, waitingBytes }) => (slow > 0 ? `${bytes(waitingBytes)} wait` : 'Every client keeps up'),
    isWarning: ({ slow }) => slow > 0,
  },
  {
    name: 'gaps',
    title: 'Gaps, last minute',
    text: ({ gaps }) => count(gaps),
    detail: ({ allGaps }) => (allGaps > 0 ? `${count(allGaps)} since start` : 'None since start'),
    isWarning: ({ gaps }) => gaps > 0,
  },
];

export class Figures {
  #boxes = new Map(FIGURES.map((figure) => [figure.name, box(figure)]));

  constructor() {
    byId('figures').append(...[...this.#boxes.values()].map(({ root }) => root));
  }

  /** @param curve returns the points of a curve by its name */
  show(totals, curve) {
    const isKnown = totals.nodes > 0;
    for (const { name, text, detail, isWarning } of FIGURES) {
      const shown = this.#boxes.get(name);
      setText(shown.value, isKnown ? text(totals) : '–');
      setText(shown.detail, isKnown ? (detail?.(totals) ?? '') : '');
      shown.root.dataset.tone = isKnown && isWarning?.(totals) === true ? 'warn' : '';
      shown.line?.setAttribute('points', pointsOf(curve(name)));
    }
  }
}

function box({ title, curve }) {
  const value = element('span');
  const detail = element('div', { className: 'detail' });
  const root = element('div', {}, element('dt', {}, title), element('dd', {}, value, detail));
  if (!curve) return { root, value, detail };
  const svg = drawing('svg', { viewBox: '0 0 59 22', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const line = drawing('polyline');
  svg.append(line);
  // A description list may not hold a drawing beside its terms.
  root.querySelector('dd').append(svg);
  return { root, value, detail, line };
}

function drawing(name, attributes = {}) {
  const created = document.createElementNS(SVG, name);
  for (const [key, text] of Object.entries(attributes)) created.setAttribute(key, text);
  return created;
}

function pointsOf(values) {
  const most = Math.max(1e-9, ...values);
  const first = 60 - values.length;
  return values.map((value, index) => `${first + index},${(20 - (18 * value) / most).toFixed(1)}`).join(' ');
}
