import { checkCallOptions, trueOrFalse } from './option-checks.js';

const CHECKS = { volatile: trueOrFalse, except: (): undefined => undefined };

describe('checkCallOptions', () => {
  it.each([undefined, {}, { volatile: true }, { volatile: undefined }, { except: 7, volatile: false }])(
    'accepts %j',
    (options) => {
      expect(() => checkCallOptions('broadcast', options, CHECKS)).not.toThrow();
    },
  );

  it.each<[unknown, string]>([
    [{ volatil: true }, 'broadcast has no option "volatil". Did you mean "volatile"?'],
    [{ execpt: [] }, 'broadcast has no option "execpt". Did you mean "except"?'],
    [{ Volatile: true }, 'broadcast has no option "Volatile". Did you mean "volatile"?'],
    [{ retry: undefined }, 'broadcast has no option "retry". Known are: volatile, except.'],
    [{ toString: 1 }, 'broadcast has no option "toString". Known are: volatile, except.'],
    [{ volatile: 'yes' }, 'The option "volatile" of broadcast is true or false, not "yes".'],
    [null, 'The options of broadcast are an object, not null.'],
    [[], 'The options of broadcast are an object, not an array.'],
    ['x', 'The options of broadcast are an object, not "x".'],
  ])('refuses %j', (options, message) => {
    expect(() => checkCallOptions('broadcast', options, CHECKS)).toThrow(
      expect.objectContaining({ code: 'invalid-arguments', message }),
    );
  });
});
