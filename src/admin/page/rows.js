// Rows of a table or a list, kept by key: an element that has the focus stays where it is.

/** Elements of one container. */
export class Rows {
  #container;
  #create;
  #update;
  #known = new Map();

  /**
   * @param container the parent of the rows
   * @param create makes a row for a key
   * @param update shows an item in its row
   */
  constructor(container, create, update = () => {}) {
    this.#container = container;
    this.#create = create;
    this.#update = update;
  }

  /** Shows these items, each with a `key`. While somebody points at a row or has the focus in one, rows keep their order. */
  show(items) {
    const isHeld = this.#container.matches(':hover, :focus-within');
    const wanted = new Map(items.map((item) => [item.key, item]));
    for (const [key, row] of this.#known) {
      if (wanted.has(key) || row.contains(document.activeElement)) continue;
      row.remove();
      this.#known.delete(key);
    }
    let place = this.#container.firstElementChild;
    for (const [key, item] of wanted) {
      let row = this.#known.get(key);
      const isNew = row === undefined;
      if (isNew) this.#known.set(key, (row = this.#create(key)));
      this.#update(row, item);
      if (row === place) place = place.nextElementSibling;
      else if (isNew || !isHeld) this.#container.insertBefore(row, isHeld ? null : place);
    }
  }
}
