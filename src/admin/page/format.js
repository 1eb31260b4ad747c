// Figures as text.

const whole = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

export function count(value) {
  return whole.format(value);
}

/** A rate per second; `undefined` before the second summary. */
export function rate(value) {
  if (value === undefined) return '–';
  return value >= 100 ? whole.format(Math.round(value)) : compact.format(value);
}

export function bytes(value) {
  if (value < 1_024) return `${value} B`;
  const [size, unit] = value < 1_048_576 ? [value / 1_024, 'KiB'] : [value / 1_048_576, 'MiB'];
  return `${size >= 100 ? Math.round(size) : compact.format(size)} ${unit}`;
}

export function duration(ms) {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}

export function streams(value) {
  return value === 1 ? '1 stream' : `${whole.format(value)} streams`;
}
