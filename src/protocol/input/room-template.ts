/** A parameter of a template, such as `:id` in `orders/:id`. */
export const PARAMETER = /:([A-Za-z_]\w*)/g;

/** Braces that other tools take for a parameter: the room would have this name for every request. */
const BRACES = /\{[^}]*\}/;

/** Returns the part of a template in braces, which is no parameter; `undefined` without one. */
export function bracesIn(template: string): string | undefined {
  return BRACES.exec(template)?.[0];
}

/** Returns the name that a template has with a plain value for each parameter. */
export function exampleOf(template: string): string {
  return template.replace(PARAMETER, 'x');
}

/**
 * Inserts values for the parameters of a template.
 *
 * A value must not contain a separator that stands beside its parameter, nor a slash: `7:notes` would let `chat::id` name rooms
 * of another template.
 *
 * @param refuse makes the error for a value that is missing or contains one of the characters
 */
export function fillTemplate(
  template: string,
  values: Readonly<Record<string, unknown>>,
  refuse: (key: string, characters: string) => Error,
): string {
  const { texts, parameters } = parsedOf(template);
  let name = texts[0] as string;
  for (const [index, { key, separators }] of parameters.entries()) {
    const value = typeof values[key] === 'number' ? String(values[key]) : values[key];
    if (typeof value !== 'string' || value === '' || separators.some((each) => value.includes(each)))
      throw refuse(key, separators.map((each) => JSON.stringify(each)).join(' or '));
    name += value + (texts[index + 1] as string);
  }
  return name;
}

/** The parts of a template: the texts around its parameters, one more than there are parameters. */
interface ParsedTemplate {
  readonly texts: readonly string[];
  readonly parameters: readonly { readonly key: string; readonly separators: readonly string[] }[];
}

/** Parsed once, since each request fills one. Templates are in the code of the application, so there are few. */
const parsedTemplates = new Map<string, ParsedTemplate>();

function parsedOf(template: string): ParsedTemplate {
  let parsed = parsedTemplates.get(template);
  if (parsed === undefined) parsedTemplates.set(template, (parsed = parse(template)));
  return parsed;
}

function parse(template: string): ParsedTemplate {
  const texts: string[] = [];
  const parameters: { key: string; separators: string[] }[] = [];
  let end = 0;
  for (const { index, 0: parameter, 1: key = '' } of template.matchAll(PARAMETER)) {
    texts.push(template.slice(end, index));
    parameters.push({ key, separators: separatorsOf(template, index, parameter.length) });
    end = index + parameter.length;
  }
  return { texts: [...texts, template.slice(end)], parameters };
}

/** Returns the pattern of the rooms of a template. Each parameter has one or more characters, and no separator. */
export function patternOf(template: string): RegExp {
  let pattern = '';
  let end = 0;
  for (const { index, 0: parameter } of template.matchAll(PARAMETER)) {
    const separators = separatorsOf(template, index, parameter.length);
    pattern += `${escaped(template.slice(end, index))}[^${separators.map(escaped).join('')}]+`;
    end = index + parameter.length;
  }
  return new RegExp(`^${pattern}${escaped(template.slice(end))}$`, 'u');
}

/**
 * Finds two parameters of a template without a separator beside one of them in between. Different values would result in
 * one room: `:a:b` is `123` for `1` and `23`, and for `12` and `3`.
 *
 * @returns the part of the template, or `undefined`
 */
export function ambiguousPart(template: string): string | undefined {
  let last: { readonly start: number; readonly end: number } | undefined;
  for (const { index: start, 0: parameter } of template.matchAll(PARAMETER)) {
    const end = start + parameter.length;
    const between = last && template.slice(last.end, start);
    if (between !== undefined && !/^[^\p{L}\p{N}]|[^\p{L}\p{N}]$/u.test(between))
      return template.slice(last?.start, end);
    last = { start, end };
  }
  return undefined;
}

/** Returns a slash, and the characters beside a parameter that are neither letters nor digits. */
function separatorsOf(template: string, index: number, length: number): string[] {
  const before = /[^\p{L}\p{N}]$/u.exec(template.slice(0, index)) ?? [];
  const after = /^[^\p{L}\p{N}]/u.exec(template.slice(index + length)) ?? [];
  return [...new Set([...before, ...after, '/'])];
}

/** As code points, since within and outside of brackets other characters may be escaped. */
function escaped(text: string): string {
  return text.replace(/[^\p{L}\p{N}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
