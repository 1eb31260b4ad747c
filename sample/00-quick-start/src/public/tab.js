// State of this tab over a reload: key, rooms and nickname.

const KEY = 'quick-start:key';
const ROOMS = 'quick-start:rooms';
const NICKNAME = 'quick-start:nickname';

const randomKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );

// "Duplicate tab" copies sessionStorage, and two tabs must not share a key. So the key is stored there only
// while the page is hidden or reloading.
const key = sessionStorage.getItem(KEY) ?? randomKey();
sessionStorage.removeItem(KEY);
addEventListener('pagehide', () => sessionStorage.setItem(KEY, key));
addEventListener('pageshow', () => sessionStorage.removeItem(KEY));

export const tab = {
  key,
  rooms: new Set(JSON.parse(sessionStorage.getItem(ROOMS) ?? '["lobby"]')),
  nickname: sessionStorage.getItem(NICKNAME),
  save() {
    sessionStorage.setItem(ROOMS, JSON.stringify([...this.rooms]));
    if (this.nickname) sessionStorage.setItem(NICKNAME, this.nickname);
  },
};
