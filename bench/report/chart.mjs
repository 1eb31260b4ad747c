import { ours, peers, variants } from '../peers/index.mjs';

const WIDTH = 760;
const ROW = 26;
const LABEL_WIDTH = 210;
const VALUE_WIDTH = 70;
const TOP = 46;

/**
 * The chart brings its own background: an SVG in a page follows the reader's preference, not the page's theme,
 * and must be readable when the two differ.
 */
const STYLE = `
  .card { fill: #ffffff; stroke: #d0d7de }
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .quiet { fill: #57606a; font-size: 12px }
  .title { font-weight: 600; font-size: 14px }
  .ours { font-weight: 600 }
  .system { fill: #8c959f } .user { fill: #d29922 }
  .ours-system { fill: #2f81f7 } .ours-user { fill: #1a4f9c }
  @media (prefers-color-scheme: dark) {
    .card { fill: #0d1117; stroke: #30363d }
    text { fill: #e6edf3 } .quiet { fill: #9da7b3 }
    .system { fill: #6e7681 } .ours-user { fill: #79c0ff }
  }`;

/**
 * CPU per delivery of the paced fan-out as bars, user space and kernel apart, cheapest first.
 * @param {Record<string, import('../lib/rounds.mjs').Measured>} byPeer
 * @param {import('../lib/machine.mjs').machine} machine
 */
export function fanOutChart(byPeer, { cpu, cores, node, date }) {
  const bars = peers
    .filter(({ id }) => !variants.includes(id) && byPeer[id]?.median)
    .map(({ id, label }) => ({ id, label: plain(label), ...byPeer[id].median }))
    .toSorted((a, b) => a.cpu - b.cpu);
  const scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / Math.max(...bars.map((bar) => bar.cpu));
  const height = TOP + bars.length * ROW + 44;
  const rows = bars.map((bar, index) => row(bar, TOP + index * ROW, scale));
  const bottom = height - 22;
  const source = `1,000 clients, 100-byte events, one publish per event-loop turn. ${cpu}, ${cores} cores, Node ${node}, ${date}.`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="-14 -10 ${WIDTH + 28} ${height + 8}" role="img" aria-label="Server CPU per delivered event, by library">
<style>${STYLE}
</style>
<rect x="-13.5" y="-9.5" width="${WIDTH + 27}" height="${height + 7}" rx="8" class="card"/>
<text x="0" y="16" class="title">Server CPU per delivered event (microseconds, less is better)</text>
<rect x="0" y="26" width="10" height="10" class="user"/><rect x="12" y="26" width="10" height="10" class="ours-user"/><text x="28" y="36" class="quiet">user space</text>
<rect x="110" y="26" width="10" height="10" class="system"/><rect x="122" y="26" width="10" height="10" class="ours-system"/><text x="138" y="36" class="quiet">kernel (the write itself)</text>
${rows.join('\n')}
<text x="0" y="${bottom}" class="quiet">${escape(source)}</text>
</svg>
`;
}

function row({ id, label, cpu, user }, y, scale) {
  const prefix = ours.includes(id) ? 'ours-' : '';
  const userWidth = user * scale;
  const width = cpu * scale;
  const middle = y + ROW / 2 + 4;
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end"${prefix && ' class="ours"'}>${escape(label)}</text>`,
    `<rect x="${LABEL_WIDTH}" y="${y + 4}" width="${userWidth.toFixed(1)}" height="${ROW - 8}" class="${prefix}user"/>`,
    `<rect x="${(LABEL_WIDTH + userWidth).toFixed(1)}" y="${y + 4}" width="${(width - userWidth).toFixed(1)}" height="${ROW - 8}" class="${prefix}system"/>`,
    `<text x="${(LABEL_WIDTH + width + 6).toFixed(1)}" y="${middle}" class="quiet">${cpu.toFixed(1)}</text>`,
  ].join('');
}

const plain = (markdown) => markdown.replaceAll(/[*`]/g, '');
const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
