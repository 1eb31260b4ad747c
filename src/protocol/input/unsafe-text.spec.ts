import * as fc from 'fast-check';
import { unsafeTextReason } from './unsafe-text.js';

describe('unsafeTextReason', () => {
  it.each(['', 'orders/7', 'zürich 🙂', 'שלום', 'مرحبا', 'e\u0301', '\u200d', '\u00a0'])(
    'accepts %j',
    (text) => {
      expect(unsafeTextReason(text)).toBeUndefined();
    },
  );

  it.each(['a\nb', '\0', '\x7f', '\x85', '\x9b31m', 'a\u202eb', '\u2066', '\u2028'])(
    'finds the control in %j',
    (text) => {
      expect(unsafeTextReason(text)).toBe('a control character');
    },
  );

  it.each(['a\ud800', '\udc00a', '🙂'.slice(0, 1), '\ude42\ud83d'])(
    'finds the lone surrogate in %j',
    (text) => {
      expect(unsafeTextReason(text)).toMatch(/lone surrogate/);
    },
  );

  it('accepts no text that changes on its way through UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        if (unsafeTextReason(text) === undefined) expect(Buffer.from(text).toString()).toBe(text);
      }),
    );
  });
});
