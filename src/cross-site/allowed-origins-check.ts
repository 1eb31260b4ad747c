import type { OptionCheck } from '../protocol/input/option-checks.js';

const EXPECTED =
  "a list of origins such as 'https://app.example.com', a function that returns true for an allowed origin, '*' or false";

/** The allowed values of the option `allowedOrigins`. */
export const checkAllowedOrigins: OptionCheck = (value) => {
  if (value === false || value === '*' || typeof value === 'function') return undefined;
  return Array.isArray(value) && value.every(isOrigin) ? undefined : EXPECTED;
};

/** True for an origin as browsers send it: no path, no `/` at the end, no default port, in lower case. */
function isOrigin(value: unknown): boolean {
  if (value === 'null') return true;
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, host } = new URL(value);
  return value === `${protocol}//${host}`;
}
