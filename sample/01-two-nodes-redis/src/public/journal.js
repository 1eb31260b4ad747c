// Log of connections and nodes, newest first.

const MAX_ITEMS = 60;

export class Journal {
  #list;

  constructor(list) {
    this.#list = list;
  }

  /** @param {'plain' | 'good' | 'away' | 'bad'} kind */
  write(text, kind = 'plain') {
    const item = document.createElement('li');
    const time = document.createElement('time');
    const words = document.createElement('span');
    time.textContent = new Date().toLocaleTimeString([], { hour12: false });
    words.textContent = text;
    item.dataset.kind = kind;
    item.append(time, words);
    this.#list.prepend(item);
    while (this.#list.childElementCount > MAX_ITEMS) this.#list.lastElementChild.remove();
  }
}
