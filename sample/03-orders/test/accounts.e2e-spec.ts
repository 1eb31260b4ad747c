import { openTestStream } from 'nestjs-simple-sse/testing';
import { Shop } from './shop.js';

describe('the accounts of the shop', () => {
  let shop: Shop;

  beforeEach(async () => {
    shop = await Shop.open();
  });
  afterEach(() => shop.close());

  it('a visitor without a session is answered with 401', async () => {
    for (const path of [
      '/events',
      '/orders',
      '/notifications',
      '/account',
      '/imports/events',
      '/sse-admin',
    ]) {
      for (const cookie of ['', 'shop-session=made-up']) {
        const { status } = await shop.request('GET', path, undefined, { cookie });
        expect([path, status]).toEqual([path, 401]);
      }
    }
  });

  it('visitors without a session watch the stock', async () => {
    const stream = await openTestStream(shop.app, '/products/events');
    await (await shop.signIn('ann')).order();
    expect((await stream.next()).data).toEqual([{ id: 'kettle', stock: 11 }]);
  });

  it('a wrong password and an unknown account have the same answer', async () => {
    for (const account of ['ann', 'nobody', "' OR 1=1 --"]) {
      const answer = await shop.request('POST', '/account/login', { account, password: 'guessed' });
      expect(answer).toMatchObject({
        status: 401,
        body: { message: 'Unknown account, or wrong password' },
        cookie: '',
      });
    }
  });

  it('an address is answered with 429 after ten wrong passwords, whatever the account', async () => {
    for (let n = 0; n < 10; n++) {
      const guess = { account: `account-${n}`, password: 'guessed' };
      expect((await shop.request('POST', '/account/login', guess)).status).toBe(401);
    }
    const right = { account: 'ann', password: 'shop' };
    for (const path of ['login', 'token']) {
      expect((await shop.request('POST', `/account/${path}`, right)).status).toBe(429);
    }
  });

  it('the cookie is for this site only, and no script reads it', async () => {
    const { app } = shop;
    const response = await fetch(`${await app.getUrl()}/account/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account: 'ann', password: 'shop' }),
    });
    expect(response.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict$/);
  });

  it('signing out ends the streams of this session, and not those of others', async () => {
    const [here, elsewhere] = [await shop.signIn('ann'), await shop.signIn('ann')];
    const [ended, open] = [await here.listen(), await elsewhere.listen()];
    expect((await here.post('/account/logout')).status).toBe(204);
    expect(await ended.end()).toBe('ended');
    expect(open.isOpen).toBe(true);
    await expect(ended.reconnect()).rejects.toMatchObject({ status: 401 });
  });

  it('the operator’s page is for operators', async () => {
    for (const [account, status] of Object.entries({ ann: 403, sam: 403, olga: 200 })) {
      const visitor = await shop.signIn(account);
      expect([account, (await visitor.get('/sse-admin')).status]).toEqual([account, status]);
    }
  });

  it('an app with a token listens by a ticket, which is good once', async () => {
    const app = await shop.token('sam');
    const { body } = await app.post('/tickets', { rooms: ['staff'] });
    const stream = await openTestStream(shop.app, `/tickets/events?ticket=${String(body['ticket'])}`);
    const id = await (await shop.signIn('ann')).order();
    expect((await stream.next()).data).toMatchObject({ id, customer: 'ann' });
    await expect(
      openTestStream(shop.app, `/tickets/events?ticket=${String(body['ticket'])}`),
    ).rejects.toMatchObject({ status: 401 });
    await app.post('/account/logout');
    expect(await stream.end()).toBe('ended');
  });

  it('a ticket names only rooms that the account may be in', async () => {
    const id = await (await shop.signIn('ann')).order();
    const bob = await shop.token('bob');
    for (const room of ['staff', `orders/${id}`, 'users/ann', '*', 'sessions/1']) {
      expect((await bob.post('/tickets', { rooms: ['users/bob', room] })).status).toBe(403);
    }
    expect((await bob.post('/tickets', { rooms: ['users/bob'] })).status).toBe(201);
  });
});
