// A device with a token in place of a cookie of the shop. It keeps the token in memory, and exchanges it for a ticket when it
// connects.
import { connectSse } from '../client/index.js';
import { $, element } from './elements.js';
import { get } from './get.js';
import { post } from './post.js';

const STATES = {
  connecting: 'Connecting',
  live: 'Live',
  stale: 'Live',
  waiting: 'Reconnecting',
  closed: 'Signed out',
};

let token;
/** id -> order */
const orders = new Map();

const headers = () => ({ authorization: `Bearer ${token}` });

async function ticket() {
  const response = await fetch('tickets', {
    method: 'POST',
    headers: { ...headers(), 'content-type': 'application/json' },
    body: JSON.stringify({ rooms: ['staff'] }),
  });
  if (!response.ok) throw new Error(`No ticket: ${response.status}`);
  return (await response.json()).ticket;
}

function show(order) {
  if ((orders.get(order.id)?.version ?? 0) <= order.version) orders.set(order.id, order);
  const waiting = [...orders.values()]
    .filter(({ status }) => status === 'placed')
    .toSorted((a, b) => a.id - b.id);
  $('to-pack').replaceChildren(
    ...waiting.map(({ id, customer, lines }) => {
      const text = lines.map(({ name, quantity }) => `${quantity} × ${name}`).join(', ');
      return element('li', {}, element('b', { textContent: `${id} of ${customer}` }), ` ${text}`);
    }),
  );
  $('nothing').hidden = waiting.length > 0;
}

function begin() {
  $('sign-in').hidden = true;
  $('station').hidden = false;
  const live = connectSse('tickets/events', { ticket });
  const load = () =>
    get('orders', headers())
      .then((loaded) => loaded.forEach(show))
      .catch((error) => ($('note').textContent = error.message));
  let isLoaded = false;
  live.on('order', show);
  live.onGap(load);
  live.onState((state) => {
    $('state').textContent = STATES[state];
    $('pill').dataset.state = state;
    if (state === 'live' && !isLoaded) {
      isLoaded = true;
      void load();
    }
  });
}

$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  post('account/token', { account: $('account').value, password: $('password').value })
    .then((answer) => {
      token = answer.token;
      begin();
    })
    .catch((error) => {
      $('sign-in-hint').textContent = error.message;
      $('sign-in-hint').classList.add('error');
    });
});
