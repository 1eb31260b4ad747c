// One room: how many clients it has on each node, some of them, and a test event.
import { byId, opener, setText, showFacts } from './dom.js';
import { count } from './format.js';
import { Panel, showChips } from './panel.js';

const MAX_CLIENTS = 100;

export class RoomPanel extends Panel {
  #nodes = new Map();

  constructor() {
    super('room');
  }

  reset() {
    this.#nodes.clear();
    showFacts(byId('room-facts'), []);
    showChips(byId('room-clients'), []);
    setText(byId('room-clients-note'), '');
  }

  handlers() {
    return { room: (report) => this.#show(report) };
  }

  unknown() {
    this.say('No node has answered.');
  }

  #show(report) {
    this.found();
    this.#nodes.set(report.node, report);
    const reports = [...this.#nodes.values()].toSorted((a, b) => a.name.localeCompare(b.name));
    const total = reports.reduce((sum, { clients }) => sum + clients, 0);
    this.say(
      total === 0 ? 'No client is in this room.' : `${count(total)} ${total === 1 ? 'client' : 'clients'}`,
    );
    showFacts(
      byId('room-facts'),
      reports.map(({ name, clients }) => [name, count(clients)]),
    );
    const some = reports.flatMap(({ some: listed }) => listed).slice(0, MAX_CLIENTS);
    const users = new Map(some);
    showChips(byId('room-clients'), [...users.keys()], (id) =>
      opener(
        'client',
        id,
        users.get(id) === undefined ? id.slice(0, 8) : `${users.get(id)} ${id.slice(0, 8)}`,
      ),
    );
    setText(byId('room-clients-note'), total > some.length ? `and ${count(total - some.length)} more` : '');
  }
}
