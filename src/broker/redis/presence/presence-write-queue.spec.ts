import { PresenceWriteQueue, type PresenceEntry } from './presence-write-queue.js';

const present = (connections: number) => ({ connections, info: undefined });
const texts = (entries: readonly PresenceEntry[]): string[] =>
  entries.map((entry) => `${entry.room}/${entry.user} ${entry.local?.connections ?? 'left'}`);

describe('PresenceWriteQueue', () => {
  it('queues the newest state of each user, in the order of the first change', () => {
    const queue = new PresenceWriteQueue();
    queue.set('a', 'ann', present(1));
    queue.set('a', 'bob', present(1));
    queue.set('b', 'ann', present(1));
    queue.set('a', 'ann', present(2));
    expect(texts(queue.take(2))).toEqual(['a/ann 2', 'a/bob 1']);
    expect(queue.isEmpty).toBe(false);
    expect(texts(queue.take(2))).toEqual(['b/ann 1']);
    expect([queue.isEmpty, queue.take(2)]).toEqual([true, []]);
  });

  it('queues nothing for users that joined and left before a write', () => {
    const queue = new PresenceWriteQueue();
    for (let n = 0; n < 1_000; n++) queue.set('a', `user ${n}`, present(1));
    for (let n = 0; n < 1_000; n++) queue.set('a', `user ${n}`, undefined);
    queue.set('a', 'nobody', undefined);
    expect(queue.take(10)).toEqual([]);
  });

  it('queues a leave if the write of the join is in flight or has failed', () => {
    const queue = new PresenceWriteQueue();
    queue.set('a', 'ann', present(1));
    const entries = queue.take(10);
    queue.set('a', 'ann', undefined);
    queue.putBack(entries);
    expect(texts(queue.take(10))).toEqual(['a/ann left']);
    queue.confirm([{ room: 'a', user: 'ann', local: undefined }]);
    queue.set('a', 'ann', undefined);
    expect(queue.isEmpty).toBe(true);
  });

  it('queues the newer state after a failed write of an older one', () => {
    const queue = new PresenceWriteQueue();
    queue.set('a', 'ann', present(1));
    const entries = queue.take(10);
    queue.set('a', 'ann', present(2));
    queue.putBack(entries);
    expect(texts(queue.take(10))).toEqual(['a/ann 2']);
  });

  it('requeues all present users for a new lease name, without those that left', () => {
    const queue = new PresenceWriteQueue();
    for (const user of ['ann', 'bob', 'cat']) queue.set('a', user, present(1));
    queue.confirm(queue.take(10));
    queue.set('a', 'bob', undefined);
    queue.requeueAll();
    expect(texts(queue.take(10))).toEqual(['a/ann 1', 'a/cat 1']);
    queue.set('a', 'ann', undefined);
    expect(texts(queue.take(10))).toEqual(['a/ann left']);
  });

  it('separates rooms and users for any user name', () => {
    const queue = new PresenceWriteQueue();
    queue.set('a', 'b\nc', present(1));
    queue.set('a', '\n', present(2));
    queue.set('a b', 'c', present(3));
    expect(texts(queue.take(10))).toEqual(['a/b\nc 1', 'a/\n 2', 'a b/c 3']);
  });
});
