// What this tab remembers over a reload: its key, its rooms and its nickname.

const KEY = 'quick-start:key';
const ROOMS = 'quick-start:rooms';
const NICKNAME = 'quick-start:nickname';

const randomKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );

// "Duplicate tab" copies sessionStorage, and two tabs must not share a key: so it lies there
// only from the moment this page goes away until it is back.
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
