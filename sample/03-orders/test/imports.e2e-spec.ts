import { Shop, type Visitor } from './shop.js';

function catalogue(products: number): string {
  const rows = Array.from({ length: products }, (_, n) => `p-${n},Product ${n},${100 + n},5`);
  return ['id,name,priceCents,stock', ...rows].join('\n');
}

describe('an import', () => {
  let shop: Shop;
  let sam: Visitor;

  async function open(importPauseMs: number): Promise<void> {
    shop = await Shop.open({ importPauseMs });
    sam = await shop.signIn('sam');
  }
  afterEach(() => shop.close());

  it('tells all of its progress to everybody who follows, also after its end', async () => {
    await open(0);
    const visitors = await sam.listen();
    expect(await sam.post('/imports', { csv: catalogue(120) })).toMatchObject({
      status: 202,
      body: { products: 120 },
    });
    const whole = [50, 100, 120].map((done) => ({ done, total: 120 }));
    for (let follower = 0; follower < 2; follower++) {
      const stream = await sam.listen('/imports/events');
      const events = await stream.until('sse:end');
      expect(events.flatMap(({ event, data }) => (event === 'progress' ? [data] : []))).toEqual(whole);
      expect(events.at(-1)?.data).toMatchObject({ state: 'done' });
    }
    expect((await visitors.next('catalogue')).data).toEqual({ products: 124 });
    expect((await sam.get<{ total: number }>('/products')).body.total).toBe(124);
  });

  it('is one at a time, goes on without its page, and can be stopped from another', async () => {
    await open(3_600_000);
    await sam.post('/imports', { csv: catalogue(120) });
    const first = await sam.listen('/imports/events');
    await first.next('progress');
    await first.close();
    expect((await sam.post('/imports', { csv: catalogue(1) })).status).toBe(409);
    const second = await sam.listen('/imports/events');
    expect((await second.next('progress')).data).toEqual({ done: 50, total: 120 });
    expect((await sam.post('/imports/stop')).status).toBe(204);
    expect((await second.next('sse:end')).data).toMatchObject({ state: 'stopped' });
    expect((await sam.get<{ total: number }>('/products')).body.total).toBe(54);
    expect((await sam.post('/imports', { csv: catalogue(1) })).status).toBe(202);
  });

  it('is refused as a whole where one line is no product', async () => {
    await open(0);
    const csv = `${catalogue(2)}\np-3,Product 3,free,5`;
    const { status, body } = await sam.post('/imports', { csv });
    expect([status, body['message']]).toEqual([400, expect.stringMatching(/^Line 4: .*number/)]);
    expect((await sam.post('/imports', { csv: 'name;price' })).status).toBe(400);
    expect((await sam.get<{ total: number }>('/products')).body.total).toBe(4);
  });

  it('is for the staff alone', async () => {
    await open(0);
    const ann = await shop.signIn('ann');
    expect((await ann.post('/imports', { csv: catalogue(1) })).status).toBe(403);
    expect((await ann.get('/imports/events')).status).toBe(403);
    expect((await sam.get('/imports/events')).status).toBe(204);
  });
});
