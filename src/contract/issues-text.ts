import type { StandardIssue } from './standard-schema.interface.js';

/** Issues that a message names. */
const MAX_ISSUES = 3;
/** Characters of one issue. */
const MAX_LENGTH = 200;

/**
 * Describes the issues of a validation, each with its path in the data.
 *
 * @param result a `StandardResult` as a library has returned it
 * @returns `undefined` for a valid value
 */
export function issuesText(result: object): string | undefined {
  const { issues } = result as { readonly issues?: readonly StandardIssue[] };
  if (issues === undefined) return undefined;
  const shown = issues.slice(0, MAX_ISSUES).map(issueText);
  const more = issues.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
}

function issueText({ message, path = [] }: StandardIssue): string {
  const words = message.replace(/\s+/g, ' ').replace(/\.$/, '');
  return `${pathText(path)}: ${words.length > MAX_LENGTH ? `${words.slice(0, MAX_LENGTH)}…` : words}`;
}

/** Returns a path such as `data.items[0]["a b"]`. */
function pathText(path: NonNullable<StandardIssue['path']>): string {
  const parts = path.map((segment) => {
    const key = typeof segment === 'object' && segment !== null ? segment.key : segment;
    if (typeof key === 'number') return `[${key}]`;
    const name = String(key);
    return /^[A-Za-z_$][\w$]*$/.test(name) ? `.${name}` : `[${JSON.stringify(name.slice(0, MAX_LENGTH))}]`;
  });
  return `data${parts.join('')}`;
}
