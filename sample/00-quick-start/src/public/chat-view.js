// The view of the chat. Messages are shown as text, never as HTML.

const HINT_MS = 3_000;
const NOTICES = { joined: 'joined', left: 'left', away: 'lost the connection', back: 'came back' };

const $ = (id) => document.getElementById(id);

function element(name, text = '', className = '') {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
}

export class ChatView {
  #actions;
  #hintTimer;
  /** Whether the newest line is in view; it stays so, until the visitor scrolls up. */
  #atEnd = true;

  /** @param actions functions for the visitor's input. Each may reject with a message for the visitor */
  constructor(actions) {
    this.#actions = actions;
    this.#form('join', 'room', (room) => actions.join(room.toLowerCase()));
    this.#form('say', 'text', (text) => actions.send(text));
    $('text').addEventListener('input', () => this.#run(actions.typing()));
    $('room').addEventListener('focus', () =>
      this.#run(actions.suggest().then((rooms) => this.#suggest(rooms))),
    );
    $('log').addEventListener('scroll', () => {
      this.#atEnd = $('log').scrollHeight - $('log').scrollTop - $('log').clientHeight < 40;
    });
    new ResizeObserver(() => this.#atEnd && this.#toEnd()).observe($('log'));
    $('nickname').addEventListener('change', () => {
      if ($('nickname').reportValidity()) this.#run(actions.rename($('nickname').value.trim()));
    });
  }

  set nickname(nickname) {
    $('nickname').value = nickname;
  }

  set enabled(enabled) {
    for (const button of document.querySelectorAll('.chat button')) button.disabled = !enabled;
  }

  rooms(rooms, active) {
    const items = [...rooms].map(([name, { members, unread }]) => {
      const item = element('li');
      item.classList.toggle('active', name === active);
      const show = element('button', name, 'show');
      show.setAttribute('aria-pressed', String(name === active));
      show.append(element('small', `${members}`));
      show.lastChild.title = `${members} in this room`;
      if (unread) show.append(element('b', `${unread}`, 'unread'));
      show.addEventListener('click', () => this.#actions.show(name));
      const leave = element('button', '×', 'leave');
      leave.setAttribute('aria-label', `Leave ${name}`);
      leave.addEventListener('click', () => this.#run(this.#actions.leave(name)));
      item.append(show, leave);
      return item;
    });
    const focused = [...$('rooms').querySelectorAll('button')].indexOf(document.activeElement);
    $('rooms').replaceChildren(...items);
    $('rooms').querySelectorAll('button')[focused]?.focus();
    $('text').placeholder = active ? `Say something in ${active}` : 'Join a room first';
  }

  /** Shows who is in the room, this tab first. */
  present(nicknames, me) {
    const order = [...nicknames].toSorted(([a], [b]) => (b === me) - (a === me));
    $('present').replaceChildren(
      ...order.map(([memberId, nickname]) => {
        const item = element('li', nickname, memberId === me ? 'me' : '');
        item.style.setProperty('--hue', hue(memberId));
        return item;
      }),
    );
  }

  log(entries) {
    $('log').replaceChildren(...entries.map(line));
    this.#toEnd();
  }

  append(entry) {
    const atEnd = this.#atEnd;
    $('log').append(line(entry));
    if (atEnd || entry.mine) this.#toEnd();
  }

  hint(text, isError = false) {
    clearTimeout(this.#hintTimer);
    $('hint').textContent = text;
    $('hint').classList.toggle('error', isError);
    this.#hintTimer = setTimeout(() => ($('hint').textContent = ''), HINT_MS * (isError ? 2 : 1));
  }

  #toEnd() {
    $('log').scrollTop = $('log').scrollHeight;
    this.#atEnd = true;
  }

  #suggest(rooms) {
    $('open-rooms').replaceChildren(...rooms.map(({ room, members }) => new Option(`${members} here`, room)));
  }

  /** Clears the field at once. A refused text returns to it, if it is still empty. */
  #form(form, id, action) {
    const input = $(id);
    $(form).addEventListener('submit', (event) => {
      event.preventDefault();
      const text = input.value.trim();
      input.value = '';
      if (text === '') return;
      const refused = (error) => {
        input.value ||= text;
        throw error;
      };
      this.#run(action(text).catch(refused));
    });
  }

  #run(promise) {
    promise.catch((error) => this.hint(error.message, true));
  }
}

/** The colour of a member. */
const hue = (memberId) => parseInt(memberId.slice(0, 3), 16) % 360;

function line(entry) {
  const item = entry.text === undefined ? notice(entry) : message(entry);
  item.title = new Date(entry.at).toLocaleTimeString();
  if (entry.resumed) item.append(element('i', 'resumed', 'resumed'));
  return item;
}

function notice({ kind, nickname, formerly, mine }) {
  const text = formerly ? `${formerly} is now ${nickname}` : `${mine ? 'You' : nickname} ${NOTICES[kind]}`;
  return element('li', text, 'notice');
}

function message({ nickname, memberId, text, mine }) {
  const item = element('li', '', mine ? 'mine' : 'theirs');
  const who = element('b', nickname);
  who.style.setProperty('--hue', hue(memberId));
  item.append(who, element('span', text));
  return item;
}
