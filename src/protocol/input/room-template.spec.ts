import fc from 'fast-check';
import { ambiguousPart, exampleOf, fillTemplate, patternOf } from './room-template.js';

const refuse = (key: string): Error => new Error(key);
const plain = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const separator = fc.constantFrom('/', ':', '-', '.', '::');

/** Templates such as `a/:p0-b/:p1`, with the names of their parameters. */
const templates = fc
  // A word that begins with a digit is no parameter behind a colon.
  .array(fc.tuple(fc.boolean(), fc.stringMatching(/^\d[a-z0-9]{0,7}$/), separator), {
    minLength: 1,
    maxLength: 5,
  })
  .map((parts) => {
    const keys = parts.flatMap(([isParameter], n) => (isParameter ? [`p${n}`] : []));
    const text = parts
      .map(([isParameter, word, before], n) => `${n === 0 ? '' : before}${isParameter ? `:p${n}` : word}`)
      .join('');
    return { text, keys };
  })
  .filter(({ text }) => ambiguousPart(text) === undefined);

describe('a template of rooms', () => {
  it('fits every name that it is filled to, whatever the values', () => {
    fc.assert(
      fc.property(templates, fc.array(plain, { minLength: 5, maxLength: 5 }), ({ text, keys }, words) => {
        const values = Object.fromEntries(keys.map((key, n) => [key, words[n]]));
        const room = fillTemplate(text, values, refuse);
        expect([room, patternOf(text).test(room)]).toEqual([room, true]);
        expect(patternOf(text).test(exampleOf(text))).toBe(true);
      }),
    );
  });

  it('fits no name with one more part, and none with a part less', () => {
    fc.assert(
      fc.property(templates, plain, ({ text }, word) => {
        const room = exampleOf(text);
        expect(patternOf(text).test(`${room}/${word}`)).toBe(false);
        expect(patternOf(text).test(`${word}/${room}`)).toBe(false);
        if (room.includes('/')) expect(patternOf(text).test(room.slice(room.indexOf('/') + 1))).toBe(false);
      }),
    );
  });

  it.each([
    ['orders/:id', 'orders/', false],
    ['orders/:id', 'orders/7/items', false],
    ['orders/:id', 'xorders/7', false],
    ['orders/:id', 'orders/7', true],
    ['user::name', 'user:ann', true],
    ['user::name', 'user:ann:notes', false],
    ['a.b/:id', 'aXb/7', false],
    ['v:n/(x)', 'v12/(x)', true],
    ['plain', 'plain', true],
    ['plain', 'plain7', false],
  ])('%s and the room %s: %s', (template, room, fits) => {
    expect(patternOf(template).test(room)).toBe(fits);
  });

  it('takes no time that grows fast with a room that nearly fits', () => {
    const template = patternOf(':a-:b-:c-:d-:e/x');
    const started = process.cpuUsage();
    for (let n = 0; n < 1_000; n++) template.test(`${'a-'.repeat(127)}b`);
    expect(process.cpuUsage(started).user).toBeLessThan(2_000_000);
  });
});
