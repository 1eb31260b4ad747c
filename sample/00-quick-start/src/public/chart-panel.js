// One figure: its chart, and its newest values (or those under the pointer) as text.
import uPlot from './uPlot.esm.js';

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

function element(name, parent, className = '') {
  const made = document.createElement(name);
  made.className = className;
  parent.append(made);
  return made;
}

export class ChartPanel {
  constructor(parent, figure, away) {
    this.figure = figure;
    const card = element('figure', parent, 'card');
    const caption = element('figcaption', card);
    element('h2', caption).textContent = figure.title;
    this.values = figure.lines.map(([, label, colour]) => {
      const value = element('output', caption);
      const name = element('small', caption);
      name.textContent = label;
      name.dataset.colour = colour;
      return value;
    });
    const area = element('div', card, 'plot');
    this.plot = new uPlot(
      options(figure, away, () => this.show()),
      [[]],
      area,
    );
    const fit = () => this.plot.setSize({ width: area.clientWidth, height: area.clientHeight });
    new ResizeObserver(fit).observe(area);
  }

  feed(points) {
    const keys = ['at', ...this.figure.lines.map(([key]) => key)];
    const columns = keys.map((key) => points.map((point) => point[key] ?? null));
    this.plot.setData(columns, false);
    this.show();
  }

  /** The values under the pointer, else the newest. */
  show() {
    const { data, cursor } = this.plot;
    this.values.forEach((output, line) => {
      const value = data[line + 1]?.[cursor.idx ?? data[0].length - 1];
      output.textContent = value == null ? '–' : `${format(value)} ${this.figure.unit}`;
    });
  }
}

const format = (value) => (Number.isInteger(value) || value >= 100 ? value.toFixed(0) : value.toFixed(1));
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour12: false });

/** A label that would stand over the edge is left out. */
const times = (plot, splits) => splits.map((at) => (at > plot.scales.x.max - 6 ? '' : clock(at)));

function options({ floor, lines }, away, show) {
  const axis = { stroke: () => css('muted'), font: '11px system-ui', ticks: { show: false } };
  return {
    width: 300,
    height: 120,
    padding: [8, 20, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: false }, sync: { key: 'minute' } },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(floor, (max ?? 0) * 1.2)] } },
    axes: [
      { ...axis, space: 62, size: 24, grid: { show: false }, values: times },
      { ...axis, space: 34, size: 42, grid: { stroke: () => css('line'), width: 1 } },
    ],
    series: [{}, ...lines.map(series)],
    hooks: { drawClear: [(plot) => shade(plot, away)], setCursor: [show] },
  };
}

function series([, , colour], index) {
  return {
    stroke: () => css(colour),
    fill: index === 0 ? () => `${css(colour)}22` : undefined,
    width: 2,
    points: { show: false },
  };
}

/** Behind the lines: the time in which nothing arrived in this tab. */
function shade(plot, away) {
  const { left, top, width, height } = plot.bbox;
  plot.ctx.save();
  plot.ctx.beginPath();
  plot.ctx.rect(left, top, width, height);
  plot.ctx.clip();
  plot.ctx.fillStyle = css('away');
  for (const { from, to } of away) {
    const start = plot.valToPos(from, 'x', true);
    const end = to === Infinity ? left + width : plot.valToPos(to, 'x', true);
    plot.ctx.fillRect(start, top, Math.max(end - start, 2), height);
  }
  plot.ctx.restore();
}
