import { Shop, type Visitor } from './shop.js';

describe('the orders of the shop', () => {
  let shop: Shop;
  let ann: Visitor;
  let bob: Visitor;
  let sam: Visitor;

  beforeEach(async () => {
    shop = await Shop.open();
    [ann, bob, sam] = await Promise.all([shop.signIn('ann'), shop.signIn('bob'), shop.signIn('sam')]);
  });
  afterEach(() => shop.close());

  it('a new order reaches its customer and the staff, and no other customer', async () => {
    const streams = await Promise.all([ann.listen(), sam.listen()]);
    const other = await bob.listen();
    const id = await ann.order();
    for (const stream of streams) {
      expect((await stream.next('order')).data).toMatchObject({ id, customer: 'ann', totalCents: 3_900 });
    }
    // The stock is public, so it is what Bob receives in place of the order.
    expect((await other.next()).data).toEqual([{ id: 'kettle', stock: 11 }]);
    await other.expectNothing(50);
  });

  it('staff who have the order of a customer open receive each change once', async () => {
    const stream = await sam.listen();
    const id = await ann.order();
    await stream.next('order');
    await sam.joins(stream, `orders/${id}`);
    await sam.post(`/orders/${id}/status`, { status: 'packed' });
    const events = await stream.until('entry');
    expect(events.filter(({ event }) => event === 'order').map(({ data }) => data)).toMatchObject([
      { id, status: 'packed', version: 2 },
    ]);
    expect(events.at(-1)?.data).toMatchObject({ order: id, author: 'sam', text: 'packed' });
  });

  it('an order may be opened by its customer and the staff alone', async () => {
    const id = await ann.order();
    for (const [visitor, refused] of [
      [ann, []],
      [sam, []],
      [bob, [403]],
    ] as const) {
      const stream = await visitor.listen();
      const { status, body } = await visitor.joins(stream, `orders/${id}`);
      const rooms = body['refused'] as { status: number }[];
      expect([status, rooms.map((room) => room.status)]).toEqual([200, refused]);
    }
    expect((await bob.get(`/orders/${id}`)).status).toBe(404);
    expect((await bob.post(`/orders/${id}/messages`, { text: 'hello' })).status).toBe(404);
  });

  it('a customer joins no room of the staff, of other accounts, of a session or of nothing', async () => {
    const rooms = ['staff', 'users/bob', 'orders/999', 'orders/1x', 'sessions/1', 'imports/products'];
    const { body } = await ann.joins(await ann.listen(), ...rooms);
    expect(body).toMatchObject({ joined: [], refused: rooms.map((room) => ({ room, status: 403 })) });
  });

  it('a message of the staff is read where the order is open, and notifies the customer', async () => {
    const id = await ann.order();
    const [page, phone] = [await ann.listen(), await ann.listen()];
    await ann.joins(page, `orders/${id}`);
    await sam.post(`/orders/${id}/messages`, { text: 'Gift wrap?' });
    expect((await page.next('entry')).data).toMatchObject({ author: 'sam', text: 'Gift wrap?' });
    const { data } = await phone.next('notification');
    expect(data).toMatchObject({ account: 'ann', order: id, text: 'Sam: Gift wrap?' });
    expect((await ann.get('/notifications')).body).toEqual([data]);

    await ann.post('/notifications/read', { upTo: (data as { id: number }).id });
    expect((await page.next('read')).data).toEqual({ upTo: (data as { id: number }).id });
    expect((await ann.get('/notifications')).body).toEqual([]);
  });

  it('a customer who was away receives what happened meanwhile, in order and without a gap', async () => {
    const id = await ann.order();
    const stream = await ann.listen();
    await stream.close();
    for (const status of ['packed', 'shipped']) await sam.post(`/orders/${id}/status`, { status });
    await stream.reconnect();
    const texts = [await stream.next('notification'), await stream.next('notification')].map(
      ({ data }) => (data as { text: string }).text,
    );
    expect(texts).toEqual(['Sam: packed', 'Sam: shipped']);
    expect(stream.gaps).toEqual([]);
  });

  it('a product that is sold out is refused, and nothing is stored or published', async () => {
    const [visitors, before] = [await bob.listen(), await ann.get('/products')];
    const lines = [
      { product: 'mug', quantity: 1 },
      { product: 'notebook', quantity: 2 },
    ];
    expect(await ann.post('/orders', { lines })).toMatchObject({
      status: 409,
      body: { message: 'notebook: not enough in stock' },
    });
    expect(await ann.get('/products')).toEqual(before);
    expect((await ann.get('/orders')).body).toEqual([]);
    await visitors.expectNothing(50);
  });

  it('a cancelled order gives its products back', async () => {
    const id = await ann.order();
    const stock = await bob.listen('/products/events');
    expect((await ann.post(`/orders/${id}/status`, { status: 'cancelled' })).status).toBe(200);
    expect((await stock.next('stock')).data).toEqual([{ id: 'kettle', stock: 12 }]);
  });

  it('customers only cancel, and no order goes back', async () => {
    const id = await ann.order();
    expect((await ann.post(`/orders/${id}/status`, { status: 'packed' })).status).toBe(403);
    await sam.post(`/orders/${id}/status`, { status: 'packed' });
    await sam.post(`/orders/${id}/status`, { status: 'shipped' });
    for (const status of ['packed', 'placed', 'cancelled']) {
      expect((await sam.post(`/orders/${id}/status`, { status })).status).toBe(409);
    }
  });

  it('an order that is none is answered with 400', async () => {
    const mug = { product: 'mug', quantity: 1 };
    for (const lines of [
      undefined,
      [],
      [{ ...mug, quantity: 0 }],
      [{ ...mug, quantity: 1e9 }],
      [mug, mug],
      [{ ...mug, priceCents: 1 }],
    ]) {
      expect([lines, (await ann.post('/orders', { lines })).status]).toEqual([lines, 400]);
    }
  });
});
