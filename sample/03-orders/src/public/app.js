// Signs in, connects the one stream of the page, and hands its events to the parts of the page.
import { connectSse } from '../client/index.js';
import { $ } from './elements.js';
import { get } from './get.js';
import { ImportForm } from './import-form.js';
import { Notifications } from './notifications.js';
import { OrderView } from './order-view.js';
import { Orders } from './orders.js';
import { post } from './post.js';
import { Products } from './products.js';

const STATES = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Live, a heartbeat is late',
  waiting: 'Reconnecting',
  closed: 'Signed out',
};

const report = (error) => {
  $('note').textContent = error.message;
};

/** Shows the form, or the shop of the account that is signed in. */
async function begin() {
  const account = await get('account').catch(() => undefined);
  $('sign-in').hidden = account !== undefined;
  $('shop').hidden = account === undefined;
  if (account) openShop(account);
}

function openShop(account) {
  const isStaff = account.role !== 'customer';
  // All tabs of a browser have the same cookie, and so share one connection.
  // A refusal with 401 is no fault of the page: the state `closed` follows.
  const live = connectSse('events', { share: true, rooms: { url: 'rooms' }, onError: report });
  const view = new OrderView(live, account, report);
  const orders = new Orders((order) => view.open(order), account);
  const products = new Products(isStaff, (order) => view.open(order), report);
  const notifications = new Notifications(report);
  const load = () => {
    Promise.all([orders.load(), products.load(), notifications.load(), view.reload()]).catch(report);
  };

  $('who').textContent = `${account.name}, ${account.role}`;
  $('station').hidden = !isStaff;
  $('operators').hidden = account.role !== 'operator';
  if (isStaff) new ImportForm(report).follow();

  live.on('order', (order) => {
    orders.show(order);
    view.show(order);
  });
  live.on('notification', (notification) => notifications.add(notification));
  live.on('read', ({ upTo }) => notifications.remove(upTo));
  live.on('stock', (stock) => products.changeStock(stock));
  live.on('catalogue', () => products.load().catch(report));

  // The state is loaded once the stream is open: what happens meanwhile is an event. Versions and ids sort out what is in both.
  let isLoaded = false;
  live.onState((state, { status }) => {
    $('state').textContent = STATES[state];
    $('pill').dataset.state = state;
    if (state === 'live' && !isLoaded) {
      isLoaded = true;
      load();
    }
    // The session has ended, here or in another tab: the form is shown.
    if (state === 'closed' && status === 401) location.reload();
  });
  live.onGap(load);

  $('sign-out').addEventListener('click', () => {
    post('account/logout')
      .then(() => location.reload())
      .catch(report);
  });
}

$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  post('account/login', { account: $('account').value, password: $('password').value })
    .then(begin)
    .catch((error) => {
      $('sign-in-hint').textContent = error.message;
      $('sign-in-hint').classList.add('error');
    });
});

await begin();
