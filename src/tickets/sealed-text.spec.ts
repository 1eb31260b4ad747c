import fc from 'fast-check';
import { idOf, isSecret, newSecret, seal, unseal, type Purpose } from './sealed-text.js';

const PURPOSES: readonly Purpose[] = ['ticket', 'continuation'];

describe('a sealed text', () => {
  it('is opened by its own secret, for its own purpose, and by no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const secret = newSecret();
        const sealed = seal('ticket', secret, text);
        expect(unseal('ticket', secret, sealed)).toBe(Buffer.from(text).toString());
        expect(unseal('continuation', secret, sealed)).toBeUndefined();
        expect(unseal('ticket', newSecret(), sealed)).toBeUndefined();
      }),
    );
  });

  it('is refused when one bit of it is changed, or a part of it is missing', () => {
    const secret = newSecret();
    const bytes = Buffer.from(seal('ticket', secret, 'user'), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(unseal('ticket', secret, changed.toString('base64url'))).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length++)
      expect(unseal('ticket', secret, bytes.subarray(0, length).toString('base64url'))).toBeUndefined();
  });

  it('is stored under an id that is none of the secrets, one for each purpose', () => {
    const secret = newSecret();
    const ids = PURPOSES.map((purpose) => idOf(purpose, secret));
    expect(new Set([secret, ...ids]).size).toBe(3);
    expect(ids.map((id) => idOf('ticket', id))).not.toContain(secret);
    for (const id of ids) expect(id).toMatch(/^[\w-]{43}$/);
  });
});

describe('a secret', () => {
  it('has 256 random bits: no two are equal, and each bit is set in about half of them', () => {
    const secrets = Array.from({ length: 2_000 }, () => Buffer.from(newSecret(), 'base64url'));
    expect(new Set(secrets.map((bytes) => bytes.toString('hex'))).size).toBe(2_000);
    for (let bit = 0; bit < 256; bit++) {
      const count = secrets.filter((bytes) => ((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1).length;
      // Ten standard deviations around the half.
      expect(Math.abs(count - 1_000)).toBeLessThan(224);
    }
  });

  it('is a text in one form alone', () => {
    expect(isSecret(newSecret())).toBe(true);
    for (const text of [undefined, '', 'a'.repeat(42), 'a'.repeat(44), `${'a'.repeat(43)}\n`, 'ä'.repeat(43)])
      expect(isSecret(text)).toBe(false);
  });
});
