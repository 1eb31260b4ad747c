import { PresenceLedger, type PresenceEntry } from './presence-ledger.js';

const here = (connections: number) => ({ connections, info: undefined });
const texts = (entries: readonly PresenceEntry[]): string[] =>
  entries.map((entry) => `${entry.room}/${entry.user} ${entry.here?.connections ?? 'gone'}`);

describe('what a node has to write', () => {
  it('is the newest word on each user, in the order of the first', () => {
    const ledger = new PresenceLedger();
    ledger.set('a', 'ann', here(1));
    ledger.set('a', 'bob', here(1));
    ledger.set('b', 'ann', here(1));
    ledger.set('a', 'ann', here(2));
    expect(texts(ledger.take(2))).toEqual(['a/ann 2', 'a/bob 1']);
    expect(ledger.isWritten).toBe(false);
    expect(texts(ledger.take(2))).toEqual(['b/ann 1']);
    expect([ledger.isWritten, ledger.take(2)]).toEqual([true, []]);
  });

  it('is nothing for who came and went unwritten', () => {
    const ledger = new PresenceLedger();
    for (let n = 0; n < 1_000; n++) ledger.set('a', `user ${n}`, here(1));
    for (let n = 0; n < 1_000; n++) ledger.set('a', `user ${n}`, undefined);
    ledger.set('a', 'nobody', undefined);
    expect(ledger.take(10)).toEqual([]);
  });

  it('is that somebody has gone, also where the writing of him was on its way or failed', () => {
    const ledger = new PresenceLedger();
    ledger.set('a', 'ann', here(1));
    const entries = ledger.take(10);
    ledger.set('a', 'ann', undefined);
    ledger.putBack(entries);
    expect(texts(ledger.take(10))).toEqual(['a/ann gone']);
    ledger.wrote([{ room: 'a', user: 'ann', here: undefined }]);
    ledger.set('a', 'ann', undefined);
    expect(ledger.isWritten).toBe(true);
  });

  it('is the newer word, where an older one failed', () => {
    const ledger = new PresenceLedger();
    ledger.set('a', 'ann', here(1));
    const entries = ledger.take(10);
    ledger.set('a', 'ann', here(2));
    ledger.putBack(entries);
    expect(texts(ledger.take(10))).toEqual(['a/ann 2']);
  });

  it('is everybody who is here, under a new name, and nobody who has gone', () => {
    const ledger = new PresenceLedger();
    for (const user of ['ann', 'bob', 'cat']) ledger.set('a', user, here(1));
    ledger.wrote(ledger.take(10));
    ledger.set('a', 'bob', undefined);
    ledger.beginAnew();
    expect(texts(ledger.take(10))).toEqual(['a/ann 1', 'a/cat 1']);
    ledger.set('a', 'ann', undefined);
    expect(texts(ledger.take(10))).toEqual(['a/ann gone']);
  });

  it('tells rooms and users apart, whatever the users are called', () => {
    const ledger = new PresenceLedger();
    ledger.set('a', 'b\nc', here(1));
    ledger.set('a', '\n', here(2));
    ledger.set('a b', 'c', here(3));
    expect(texts(ledger.take(10))).toEqual(['a/b\nc 1', 'a/\n 2', 'a b/c 3']);
  });
});
