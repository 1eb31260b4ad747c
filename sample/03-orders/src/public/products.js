// The catalogue with its stock, and the buttons of customers.
import { $, element, money } from './elements.js';
import { get } from './get.js';
import { post } from './post.js';

export class Products {
  #isStaff;
  #onPlaced;
  #report;
  /** id -> the element that shows the stock, and the button */
  #shown = new Map();

  /** @param onPlaced called with a new order of this page */
  constructor(isStaff, onPlaced, report) {
    this.#isStaff = isStaff;
    this.#onPlaced = onPlaced;
    this.#report = report;
  }

  async load() {
    const { products, total } = await get('products');
    this.#shown.clear();
    $('products').replaceChildren(...products.map((product) => this.#item(product)));
    $('product-count').textContent = total > products.length ? `${products.length} of ${total}` : `${total}`;
    this.changeStock(products);
  }

  changeStock(changes) {
    for (const { id, stock } of changes) {
      const shown = this.#shown.get(id);
      if (shown === undefined) continue;
      shown.stock.textContent = stock > 0 ? `${stock} in stock` : 'sold out';
      shown.stock.classList.toggle('none', stock === 0);
      if (shown.button) shown.button.disabled = stock === 0;
    }
  }

  #item({ id, name, priceCents }) {
    const stock = element('small');
    const label = element('span', {}, element('b', { textContent: name }), ` ${money(priceCents)} `, stock);
    if (this.#isStaff) {
      this.#shown.set(id, { stock });
      return element('li', {}, label);
    }
    const button = element('button', { type: 'button', textContent: 'Order', ariaLabel: `Order ${name}` });
    button.addEventListener('click', () => {
      post('orders', { lines: [{ product: id, quantity: 1 }] })
        .then(this.#onPlaced)
        .catch(this.#report);
    });
    this.#shown.set(id, { stock, button });
    return element('li', {}, label, button);
  }
}
