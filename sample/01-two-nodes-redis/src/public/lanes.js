// One lane for each room: its newest events, each with its number and in the colour of the node that said it.

const KEPT = 60;

export class Lanes {
  #lists = new Map();

  constructor(parent, rooms) {
    for (const room of rooms) {
      const lane = document.createElement('div');
      const title = document.createElement('h3');
      const list = document.createElement('ol');
      lane.className = 'lane';
      title.textContent = room;
      list.setAttribute('aria-label', `Events of the room ${room}`);
      lane.append(title, list);
      parent.append(lane);
      this.#lists.set(room, list);
    }
  }

  add({ topic, node, seq, room }, resumed) {
    const chip = document.createElement('li');
    chip.className = `chip ${node === 'A' ? 'a' : 'b'}`;
    chip.classList.toggle('resumed', resumed);
    chip.textContent = `${seq}`;
    chip.title = `${room}, number ${seq}${resumed ? ': resumed' : ''}`;
    this.#append(this.#lists.get(topic), chip);
  }

  markAbsence() {
    for (const list of this.#lists.values()) {
      const mark = document.createElement('li');
      mark.className = 'away';
      mark.title = 'this tab was away';
      this.#append(list, mark);
    }
  }

  #append(list, item) {
    list.append(item);
    while (list.childElementCount > KEPT) list.firstElementChild.remove();
  }
}
