// Rooms that this page joins and leaves while its stream is open, and who is in them.

const RETRY_MS = 1_000;

export class Matches {
  /** The client's handles of the matches that the visitor has joined, by room. */
  joined = new Map();
  #rows = new Map();
  #visitor;
  #join;

  /** @param titles headings of the lists, by room; @param join joins a room, and returns the client's handle of it */
  constructor(titles, visitor, join) {
    this.#visitor = visitor;
    this.#join = join;
    for (const [room, title] of titles) {
      const [button, names] = [document.createElement('button'), document.createElement('p')];
      button.type = 'button';
      button.textContent = room;
      button.addEventListener('click', () => this.#toggle(room));
      names.className = 'present';
      title.replaceChildren(button);
      title.parentElement.append(names);
      this.#rows.set(room, { button, names, present: new Set() });
    }
    this.show();
  }

  /** Asks who is in each match: joins and leaves are not resumed, and reach those in a match alone. */
  async list() {
    for (const [room, row] of this.#rows) {
      const answer = await fetch(`matches/${room.replace('match/', '')}/present`);
      // nginx may hold the only living node for dead a moment longer.
      if (!answer.ok) {
        setTimeout(() => this.list(), RETRY_MS);
        return;
      }
      row.present = new Set((await answer.json()).map(({ user }) => user));
    }
    this.show();
  }

  /** The module's `sse:join` and `sse:leave`. */
  entered({ room, user }) {
    this.#rows.get(room)?.present.add(user);
    this.show();
  }

  left({ room, user }) {
    this.#rows.get(room)?.present.delete(user);
    this.show();
  }

  show() {
    for (const [room, { button, names, present }] of this.#rows) {
      const isJoined = this.joined.has(room);
      const others = [...present].filter((user) => user !== this.#visitor);
      button.setAttribute('aria-pressed', String(isJoined));
      button.title = isJoined ? `Leave ${room}` : `Join ${room}`;
      button.closest('.lane').classList.toggle('joined', isJoined);
      const shown = present.has(this.#visitor) ? ['you', ...others] : others;
      names.textContent = shown.length > 0 ? `in it: ${shown.join(', ')}` : isJoined ? '…' : 'nobody is in it';
    }
  }

  #toggle(room) {
    this.joined.get(room)?.leave();
    if (!this.joined.delete(room)) this.joined.set(room, this.#join(room));
    this.show();
  }
}
