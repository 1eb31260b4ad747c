// Chat rooms: joined and left at run time, all of them on the tab's one stream.
import { tab } from './tab.js';
import { ChatView } from './chat-view.js';

const MAX_ENTRIES = 200;
const TYPING_EVERY_MS = 2_000;

export class Chat {
  #post;
  #view;
  /** name -> { members, unread, entries, present }, of which `present` has nicknames by member */
  #rooms = new Map();
  #active;
  #memberId;
  #typedAt = 0;

  /** @param post sends a POST of this tab; @param {(room: string) => void} onLeft */
  constructor(post, onLeft) {
    this.#post = post;
    this.#view = new ChatView({
      join: (room) => this.#join(room),
      leave: (room) => this.#leave(room).then(() => onLeft(room)),
      show: (room) => this.#show(room),
      send: (text) => this.#send(text),
      rename: (nickname) => this.#rename(nickname),
      typing: () => this.#sendTyping(),
      suggest: () => this.#suggest(),
    });
  }

  /** Called when the stream opens. Brings the page's rooms and nickname in line with the server's. */
  async welcome({ memberId, nickname, rooms }) {
    this.#memberId = memberId;
    this.#view.nickname = tab.nickname ??= nickname;
    tab.save();
    if (nickname !== tab.nickname) await this.#rename(tab.nickname);
    for (const { room, members } of rooms) {
      if (tab.rooms.has(room)) this.#room(room).members = members;
      else await this.#leave(room);
    }
    const joined = new Set(rooms.map(({ room }) => room));
    for (const room of tab.rooms) if (!joined.has(room)) await this.#join(room);
    this.#show(this.#active ?? [...tab.rooms][0]);
    // Joins and leaves are not resumed, so a page that comes back asks for the lists again.
    for (const room of this.#rooms.keys()) await this.#list(room);
  }

  message(message, resumed) {
    const mine = message.memberId === this.#memberId;
    this.#enter(message.room, { ...message, mine, resumed });
  }

  notice(notice, resumed) {
    const room = this.#room(notice.room);
    room.members = notice.members;
    if (room.present.has(notice.memberId)) room.present.set(notice.memberId, notice.nickname);
    this.#showPresent();
    this.#enter(notice.room, { ...notice, mine: notice.memberId === this.#memberId, resumed });
  }

  /** The module's `sse:join`: the first stream of a member has joined a room. */
  entered({ room, user, info }) {
    this.#chatRoom(room)?.present.set(user, info.nickname);
    this.#showPresent();
  }

  /** The module's `sse:leave`: a member has left a room, or has been without a stream for six seconds. */
  left({ room, user }) {
    this.#chatRoom(room)?.present.delete(user);
    this.#showPresent();
  }

  typing({ room, nickname }) {
    if (room === this.#active) this.#view.hint(`${nickname} is typing …`);
  }

  get names() {
    return [...this.#rooms.keys()];
  }

  /** Disables the buttons while the stream is down. */
  set enabled(enabled) {
    this.#view.enabled = enabled;
  }

  async #join(name) {
    const { members } = await this.#post(`chat/rooms/${encodeURIComponent(name)}/join`);
    this.#room(name).members = members;
    tab.rooms.add(name);
    tab.save();
    this.#show(name);
    await this.#list(name);
  }

  async #leave(name) {
    await this.#post(`chat/rooms/${name}/leave`);
    this.#rooms.delete(name);
    tab.rooms.delete(name);
    tab.save();
    this.#show(this.#active === name ? this.#rooms.keys().next().value : this.#active);
  }

  async #list(name) {
    const present = await (await fetch(`chat/rooms/${encodeURIComponent(name)}/present`)).json();
    this.#room(name).present = new Map(present.map(({ memberId, nickname }) => [memberId, nickname]));
    this.#showPresent();
  }

  async #send(text) {
    if (!this.#active) throw new Error('Join a room first');
    await this.#post(`chat/rooms/${this.#active}/messages`, { text });
    this.#typedAt = 0;
  }

  async #rename(nickname) {
    await this.#post('chat/nickname', { nickname });
    tab.nickname = nickname;
    tab.save();
  }

  async #sendTyping() {
    if (!this.#active || Date.now() - this.#typedAt < TYPING_EVERY_MS) return;
    this.#typedAt = Date.now();
    await this.#post(`chat/rooms/${this.#active}/typing`);
  }

  async #suggest() {
    const response = await fetch('chat/rooms');
    const rooms = await response.json();
    return rooms.filter(({ room }) => !this.#rooms.has(room));
  }

  #show(name) {
    this.#active = name;
    const room = this.#rooms.get(name);
    if (room) room.unread = 0;
    this.#view.log(room?.entries ?? []);
    this.#view.rooms(this.#rooms, name);
    this.#showPresent();
  }

  #showPresent() {
    this.#view.present(this.#rooms.get(this.#active)?.present ?? new Map(), this.#memberId);
  }

  /** The room of a presence event, whose name is that of the server. */
  #chatRoom(name) {
    return this.#rooms.get(name.replace('chat/', ''));
  }

  #room(name) {
    if (!this.#rooms.has(name)) this.#rooms.set(name, { members: 0, unread: 0, entries: [], present: new Map() });
    return this.#rooms.get(name);
  }

  #enter(name, entry) {
    const room = this.#room(name);
    room.entries = [...room.entries, entry].slice(-MAX_ENTRIES);
    if (name === this.#active) this.#view.append(entry);
    else if (entry.text && !entry.mine) room.unread += 1;
    this.#view.rooms(this.#rooms, this.#active);
  }
}
