import type { PrometheusProcess, Series } from './prometheus-process.js';

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly targets: readonly { readonly expr: string; readonly legendFormat: string }[];
}

export interface Dashboard {
  readonly title: string;
  readonly panels: readonly Panel[];
}

interface Line {
  readonly name: string;
  readonly points: readonly (readonly [seconds: number, value: number])[];
}

/** Sizes in pixels. */
const [WIDTH, HEAD, ROW] = [1_200, 44, 26];
const COLUMN = WIDTH / 24;
const [CHART_WIDTH, CHART_HEIGHT, LEFT, TOP] = [322, 118, 60, 32];
/** Width of a character of the legend, about. */
const CHARACTER = 6.2;
const COLOURS = ['#1f6f54', '#b3541e', '#28559a', '#8a3ffc', '#9f1853', '#6f6000', '#005d5d', '#5c5c5c'];
const BYTES = ['B', 'kB', 'MB', 'GB'];

/**
 * Draws each panel of a dashboard at its place, with lines, the largest value of the axis, and a legend. Not a copy of what
 * Grafana draws.
 *
 * @returns an SVG document
 */
export async function drawDashboard(
  { title, panels }: Dashboard,
  prometheus: PrometheusProcess,
  { startMs, endMs }: { startMs: number; endMs: number },
): Promise<string> {
  const times = { start: startMs / 1_000, end: endMs / 1_000, step: 1 };
  const drawn: string[] = [];
  for (const panel of panels) {
    const lines: Line[] = [];
    for (const { expr, legendFormat } of panel.targets)
      for (const series of await prometheus.series(expr, times)) lines.push(lineOf(series, legendFormat));
    drawn.push(drawPanel(panel, lines, times));
  }
  const height = HEAD + ROW * Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const seconds = Math.round(times.end - times.start);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11" fill="#24292f">
<rect width="${WIDTH}" height="${height}" fill="#f4f5f7"/>
<text x="14" y="28" font-size="16"><tspan font-weight="bold">${escaped(title)}</tspan> two nodes, ${seconds} s; Redis is lost after 60 % of it and is back 6 s later</text>
${drawn.join('\n')}
</svg>
`;
}

function lineOf({ metric, values }: Series, legend: string): Line {
  const name = legend.replace(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '');
  return { name, points: values.map(([seconds, value]) => [seconds, Number(value)] as const) };
}

function drawPanel(
  { title, gridPos: { x, y, w, h }, fieldConfig }: Panel,
  lines: readonly Line[],
  { start, end }: { start: number; end: number },
): string {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value)).filter(Number.isFinite);
  const top = niceTop(Math.max(0, ...values));
  const toX = (seconds: number): number => LEFT + ((seconds - start) / (end - start)) * CHART_WIDTH;
  const toY = (value: number): number => TOP + (1 - value / top) * CHART_HEIGHT;
  const paths = lines.map(({ points }, index) => {
    const path = points.map(([seconds, value], at) =>
      Number.isFinite(value)
        ? `${isFollowing(points, at) ? 'L' : 'M'}${toX(seconds).toFixed(1)} ${toY(value).toFixed(1)}`
        : '',
    );
    return `<path d="${path.join('')}" fill="none" stroke="${colourOf(index)}" stroke-width="1.3"/>`;
  });
  const axis = [0, top / 2, top].map(
    (value) =>
      `<path d="M${LEFT} ${toY(value)}h${CHART_WIDTH}" stroke="#e6e9ed"/>` +
      `<text x="${LEFT - 6}" y="${toY(value) + 4}" text-anchor="end" font-size="10" fill="#57606a">${inUnit(value, fieldConfig.defaults.unit)}</text>`,
  );
  const card = `<rect width="${w * COLUMN - 12}" height="${h * ROW - 8}" rx="4" fill="#fff" stroke="#d8dee4"/>`;
  const head = `<text x="10" y="18" font-weight="bold">${escaped(title)}</text>`;
  return `<g transform="translate(${x * COLUMN + 6} ${HEAD + y * ROW})">${[card, head, ...axis, ...paths, ...legendOf(lines)].join('')}</g>`;
}

function legendOf(lines: readonly Line[]): string[] {
  let [x, y] = [10, TOP + CHART_HEIGHT + 20];
  return lines.map(({ name }, index) => {
    const width = 28 + CHARACTER * name.length;
    if (x > 10 && x + width > LEFT + CHART_WIDTH + 10) [x, y] = [10, y + 15];
    const entry =
      `<path d="M${x.toFixed(0)} ${y - 4}h10" stroke="${colourOf(index)}" stroke-width="3"/>` +
      `<text x="${(x + 14).toFixed(0)}" y="${y}">${escaped(name)}</text>`;
    x += width;
    return entry;
  });
}

/** False at the beginning of a line and behind a hole in it. */
function isFollowing(points: Line['points'], at: number): boolean {
  const [now, before] = [points[at], points[at - 1]];
  if (now === undefined || before === undefined) return false;
  return Number.isFinite(before[1]) && now[0] - before[0] < 1.5;
}

function niceTop(largest: number): number {
  if (largest === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  return [1, 2, 5, 10].map((factor) => factor * power).find((top) => top >= largest) ?? largest;
}

function inUnit(value: number, unit: string): string {
  if (unit === 's') return value < 1 && value > 0 ? `${round(value * 1_000)} ms` : `${round(value)} s`;
  if (unit !== 'Bps' && unit !== 'bytes') return `${round(value)}${unit === 'short' ? '' : '/s'}`;
  const step = value === 0 ? 0 : Math.max(0, Math.min(3, Math.floor(Math.log10(value) / 3)));
  return `${round(value / 1_000 ** step)} ${BYTES[step]}${unit === 'Bps' ? '/s' : ''}`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function colourOf(index: number): string {
  return COLOURS[index % COLOURS.length] ?? '#000';
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
