// The list of orders: those of a customer, or all of them for the staff.
import { $, element, money } from './elements.js';
import { get } from './get.js';

export class Orders {
  #open;
  #isStaff;
  /** id -> order */
  #orders = new Map();

  /** @param open called with an order that is chosen */
  constructor(open, { role }) {
    this.#open = open;
    this.#isStaff = role !== 'customer';
  }

  async load() {
    for (const order of await get('orders')) this.#keep(order);
    this.#draw();
  }

  show(order) {
    this.#keep(order);
    this.#draw();
  }

  /** An answer may be older than an event that came before it. */
  #keep(order) {
    if ((this.#orders.get(order.id)?.version ?? 0) <= order.version) this.#orders.set(order.id, order);
  }

  #draw() {
    const newest = [...this.#orders.values()].toSorted((a, b) => b.id - a.id);
    $('orders').replaceChildren(...newest.map((order) => this.#item(order)));
    $('orders-hint').hidden = newest.length > 0;
  }

  #item(order) {
    const { id, customer, status, totalCents } = order;
    const badge = element('small', { className: 'status', textContent: status });
    badge.dataset.status = status;
    const name = this.#isStaff ? `${id} of ${customer}` : `${id}`;
    const button = element(
      'button',
      { type: 'button' },
      element('b', { textContent: name }),
      ` ${money(totalCents)} `,
      badge,
    );
    button.addEventListener('click', () => this.#open(order));
    return element('li', {}, button);
  }
}
