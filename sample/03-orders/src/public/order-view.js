// The open order: its steps, lines and messages. Its room is joined while it is open.
import { $, element, money, time } from './elements.js';
import { get } from './get.js';
import { post } from './post.js';

const STEPS = ['placed', 'packed', 'shipped', 'delivered'];
/** Next steps by status and role. The server decides; these are the buttons. */
const MOVES = {
  placed: { customer: ['cancelled'], staff: ['packed', 'cancelled'] },
  packed: { customer: ['cancelled'], staff: ['shipped', 'cancelled'] },
  shipped: { customer: [], staff: ['delivered'] },
};
const LABELS = {
  packed: 'Packed',
  shipped: 'Shipped',
  delivered: 'Delivered',
  cancelled: 'Cancel the order',
};

export class OrderView {
  #live;
  #account;
  #report;
  #order;
  #room;
  #entries = new Map();

  constructor(live, account, report) {
    this.#live = live;
    this.#account = account;
    this.#report = report;
    $('write').addEventListener('submit', (event) => {
      event.preventDefault();
      const text = $('text').value;
      $('text').value = '';
      post(`orders/${this.#order.id}/messages`, { text }).catch(report);
    });
  }

  /** Leaves the room of the order that was open, and joins that of this one. */
  open(order) {
    if (this.#order?.id === order.id) return;
    this.#room?.leave();
    this.#entries.clear();
    this.#order = order;
    this.#room = this.#live.room(`orders/${order.id}`);
    this.#room.on('entry', (entry) => this.#addEntries([entry]));
    // From the answer on every message is received, so the messages until then are loaded after it.
    this.#room.joined.then(() => this.reload()).catch((error) => this.#reportUnlessLeft(error));
    this.#draw();
    // On a phone the order is below the lists.
    $('order').scrollIntoView({ block: 'nearest' });
  }

  async reload() {
    if (this.#order === undefined) return;
    const { id } = this.#order;
    const { order, entries } = await get(`orders/${id}`);
    if (this.#order.id !== id) return;
    this.show(order);
    this.#addEntries(entries);
  }

  /** Shows a change of the open order. */
  show(order) {
    if (order.id !== this.#order?.id || order.version < this.#order.version) return;
    this.#order = order;
    this.#draw();
  }

  #addEntries(entries) {
    for (const entry of entries) this.#entries.set(entry.id, entry);
    const inOrder = [...this.#entries.values()].toSorted((a, b) => a.id - b.id);
    $('entries').replaceChildren(...inOrder.map((entry) => this.#entry(entry)));
    $('entries').scrollTop = $('entries').scrollHeight;
  }

  #entry({ author, text, at }) {
    const isOwn = author === this.#account.id;
    const about = element('small', { textContent: `${isOwn ? 'you' : author}, ${time(at)}` });
    return element('li', { className: isOwn ? 'mine' : '' }, about, element('span', { textContent: text }));
  }

  #draw() {
    const { id, customer, status, lines, totalCents } = this.#order;
    $('order-title').textContent = `Order ${id} of ${customer}`;
    $('order-hint').hidden = true;
    $('order-body').hidden = false;
    const steps = status === 'cancelled' ? ['placed', 'cancelled'] : STEPS;
    $('steps').replaceChildren(
      ...steps.map((step) => {
        const item = element('li', {
          textContent: step,
          className: steps.indexOf(step) <= steps.indexOf(status) ? 'done' : '',
        });
        if (step === status) item.setAttribute('aria-current', 'step');
        return item;
      }),
    );
    const rows = lines.map(({ name, quantity, priceCents }) => row(name, `${quantity}`, money(priceCents)));
    $('lines').replaceChildren(...rows, row('Total', '', money(totalCents)));
    const role = this.#account.role === 'customer' ? 'customer' : 'staff';
    $('moves').replaceChildren(...(MOVES[status]?.[role] ?? []).map((next) => this.#button(next)));
  }

  #button(next) {
    const button = element('button', { type: 'button', textContent: LABELS[next] });
    button.addEventListener('click', () => {
      button.disabled = true;
      post(`orders/${this.#order.id}/status`, { status: next })
        .catch(this.#report)
        .finally(() => (button.disabled = false));
    });
    return button;
  }

  #reportUnlessLeft(error) {
    if (error.code !== 'left') this.#report(error);
  }
}

function row(...texts) {
  return element('tr', {}, ...texts.map((textContent) => element('td', { textContent })));
}
