import { peers, variants as comparedVariants } from '../peers/index.mjs';
import { cells } from '../scenarios/index.mjs';
import { judge, targets } from './targets.mjs';

const FLOOR = 'net';
const REDIS = { 'redis-ioredis': 'over ioredis', 'redis-node-redis': 'over node-redis' };
const labelOf = (id) => peers.find((peer) => peer.id === id).label;

/** @param {number | undefined} value @param {number} digits */
function number(value, digits) {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

const line = (columns) => `| ${columns.join(' | ')} |`;

/** @param {string[]} head @param {string[][]} rows the first column is text, the others are figures */
function table(head, rows) {
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '--:'))), ...rows.map(line)].join(
    '\n',
  );
}

/**
 * One table per cell, the targets first.
 * @param {{ results: import('../lib/rounds.mjs').Results }} report
 * @param {{ detail: boolean }} options with profiles and the like
 */
export function renderTables({ results }, { detail }) {
  const sections = cells
    .filter(({ id }) => results[id])
    .map((cell) => cellSection(cell, results[cell.id], detail));
  const tables = [
    targetSection(
      'Targets',
      { express: 'Express', 'sse-express': '`SseExpressAdapter`', fastify: 'Fastify' },
      results,
    ),
    targetSection('Targets with Redis', REDIS, results),
  ];
  return [...tables, ...sections].filter(Boolean).join('\n\n');
}

/** @param {Record<string, string>} variants of this module, with their labels */
function targetSection(title, variants, results) {
  const rows = targets
    .map((target) => ({ target, verdicts: judge(target, results) }))
    .filter(({ verdicts }) => Object.keys(verdicts).some((variant) => variant in variants))
    .map(({ target, verdicts }) => {
      const cell = (variant) => {
        if (!verdicts[variant]) return '–';
        const { ratio, passed } = verdicts[variant];
        return `${number(ratio, 2)} ${passed ? 'pass' : '**fail**'}`;
      };
      return [target.what, target.limit, ...Object.keys(variants).map(cell)];
    });
  const head = ['what', 'target', ...Object.values(variants)];
  return rows.length > 0 && `### ${title}\n\n${table(head, rows)}`;
}

/** @param {import('../scenarios/fleets.mjs').Cell} cell */
function cellSection({ title, note, columns, floor: floorPeer = FLOOR }, byPeer, detail) {
  const floor = byPeer[floorPeer]?.median;
  const head = [
    'server',
    ...columns.flatMap((column) => (column.ratio ? [column.title, '× floor'] : [column.title])),
  ];
  const rows = [];
  const absent = new Map();
  for (const [id, { median, error, skipped }] of Object.entries(byPeer)) {
    // A variant that this table never shows is no gap in it.
    if (skipped && !comparedVariants.includes(id))
      absent.set(skipped, [...(absent.get(skipped) ?? []), labelOf(id)]);
    if (error) absent.set(`failed: ${firstLine(error)}`, [labelOf(id)]);
    if (!median) continue;
    const figures = columns.flatMap(({ field, digits = 0, ratio }) => {
      const value = number(median[field], digits);
      return ratio ? [value, number(median[field] / floor?.[field], 2)] : [value];
    });
    rows.push([labelOf(id), ...figures]);
  }
  const missing = [...absent].map(([reason, names]) => `- left out: ${names.join(', ')}: ${reason}`);
  const parts = [`### ${title}`, note, rows.length > 0 && table(head, rows), missing.join('\n')];
  return [...parts, detail && detailLines(byPeer)].filter(Boolean).join('\n\n');
}

/** Prints profiles and similar details for work on the module, which are not part of README.md. */
function detailLines(byPeer) {
  const lines = Object.entries(byPeer).flatMap(([id, { median }]) =>
    median?.lines ? [labelOf(id), ...median.lines] : [],
  );
  return lines.length > 0 && `\`\`\`\n${lines.join('\n')}\n\`\`\``;
}

const firstLine = (text) => text.split('\n')[0].slice(0, 200);
