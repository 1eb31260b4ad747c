// One list per room: its newest events, each with its number and in the colour of its publisher.

const MAX_ITEMS = 60;

export class RoomLists {
  #lists = new Map();

  /** Adds a list for each room. @returns the headings, by room */
  addRooms(parent, rooms) {
    const titles = new Map();
    for (const room of rooms) {
      const column = document.createElement('div');
      const title = document.createElement('h3');
      const list = document.createElement('ol');
      column.className = 'lane';
      title.textContent = room;
      list.setAttribute('aria-label', `Events of the room ${room}`);
      column.append(title, list);
      parent.append(column);
      this.#lists.set(room, list);
      titles.set(room, title);
    }
    return titles;
  }

  add({ topic, node, seq, room }, resumed) {
    const chip = document.createElement('li');
    chip.className = `chip ${node === 'A' ? 'a' : 'b'}`;
    chip.classList.toggle('resumed', resumed);
    chip.textContent = `${seq}`;
    chip.title = `${room}, number ${seq}${resumed ? ': resumed' : ''}`;
    this.#append(this.#lists.get(topic), chip);
  }

  addAbsence() {
    for (const list of this.#lists.values()) {
      const item = document.createElement('li');
      item.className = 'away';
      item.title = 'this tab was away';
      this.#append(list, item);
    }
  }

  #append(list, item) {
    list.append(item);
    while (list.childElementCount > MAX_ITEMS) list.firstElementChild.remove();
  }
}
