import type { HistoryPage } from '../broker.interface.js';
import { Deferred } from './deferred.js';
import { SharedReads } from './shared-reads.js';

describe('asking Redis once for what many ask', () => {
  let asked: Deferred<HistoryPage>[];
  let node: { epoch: string; position: number; newest: number };
  let reads: SharedReads;

  beforeEach(() => {
    asked = [];
    node = { epoch: '0000abcd', position: 10, newest: 10 };
    const read = (): Promise<HistoryPage> => {
      const page = new Deferred<HistoryPage>();
      asked.push(page);
      return page.promise;
    };
    reads = new SharedReads({ read }, node);
  });

  function answer(nth: number, position: number, epoch = '0000abcd'): void {
    asked[nth]?.resolve({ epoch, position, messages: [], incompleteRooms: [] });
  }

  it('gives one page to all who ask the same at the same time', async () => {
    const pages = Array.from({ length: 5 }, () => reads.read(['a', 'b'], 7, 0));
    answer(0, 12);
    const [first, ...others] = await Promise.all(pages);
    expect(asked).toHaveLength(1);
    for (const page of others) expect(page).toBe(first);
  });

  it('asks for each different question, and again once an answer is there', async () => {
    const pages = [reads.read(['a'], 7, 0), reads.read(['a'], 8, 0), reads.read(['b'], 7, 0)];
    pages.push(reads.read(['a'], undefined, 5), reads.read(['a'], undefined, 6));
    expect(asked).toHaveLength(5);
    for (let nth = 0; nth < 5; nth++) answer(nth, 12);
    await Promise.all(pages);
    const again = reads.read(['a'], 7, 0);
    expect(asked).toHaveLength(6);
    answer(5, 13);
    expect((await again).position).toBe(13);
  });

  it('does not give a page of before what the node has delivered to who asked after that', async () => {
    const early = reads.read(['a'], 7, 0);
    node.position = 20;
    const late = [reads.read(['a'], 7, 0), reads.read(['a'], 7, 0)];
    answer(0, 19);
    expect((await early).position).toBe(19);
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toHaveLength(2);
    answer(1, 21);
    expect((await Promise.all(late)).map(({ position }) => position)).toEqual([21, 21]);
  });

  it('does not give a page of another memory than the one in which it was asked', async () => {
    const early = reads.read(['a'], 7, 0);
    node.epoch = '0000ffff';
    const late = reads.read(['a'], 7, 0);
    answer(0, 30);
    await early;
    await new Promise((resolve) => setImmediate(resolve));
    answer(1, 31, '0000ffff');
    expect((await late).epoch).toBe('0000ffff');
  });

  it('rejects for all who wait where the answer is an error, and asks anew afterwards', async () => {
    const outcomes = [reads.read(['a'], 7, 0), reads.read(['a'], 7, 0)].map((page) =>
      page.then(
        () => 'answered',
        (error: Error) => error.message,
      ),
    );
    asked[0]?.reject(new Error('closed'));
    expect(await Promise.all(outcomes)).toEqual(['closed', 'closed']);
    void reads.read(['a'], 7, 0);
    expect(asked).toHaveLength(2);
  });
});
