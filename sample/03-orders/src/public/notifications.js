// What others have done with the orders of this account: stored by the server until it is read in one of the account's pages.
import { $, element, time } from './elements.js';
import { get } from './get.js';
import { post } from './post.js';

export class Notifications {
  /** id -> notification */
  #unread = new Map();
  /** Everything up to this id is read, also where an older answer still has it. */
  #readUpTo = 0;

  constructor(report) {
    $('mark-read').addEventListener('click', () => {
      post('notifications/read', { upTo: Math.max(...this.#unread.keys()) }).catch(report);
    });
  }

  async load() {
    const unread = await get('notifications');
    for (const notification of unread) this.add(notification);
  }

  add(notification) {
    if (notification.id > this.#readUpTo) this.#unread.set(notification.id, notification);
    this.#draw();
  }

  /** Another page of the account has read them, or this one. */
  remove(upTo) {
    this.#readUpTo = Math.max(this.#readUpTo, upTo);
    for (const id of this.#unread.keys()) if (id <= upTo) this.#unread.delete(id);
    this.#draw();
  }

  #draw() {
    const inOrder = [...this.#unread.values()].toSorted((a, b) => a.id - b.id);
    $('notifications').hidden = inOrder.length === 0;
    $('unread').replaceChildren(
      ...inOrder.map(({ order, text, at }) =>
        element('li', {}, element('small', { textContent: `${time(at)}, order ${order}` }), ` ${text}`),
      ),
    );
    document.title =
      inOrder.length > 0 ? `(${inOrder.length}) A shop with live orders` : 'A shop with live orders';
  }
}
