// Who this page is: a name for the other visitors, and the key of its stream session, which nobody else knows.

const NAMES = ['Otter', 'Heron', 'Badger', 'Lark', 'Marten', 'Finch', 'Newt', 'Stoat', 'Wren', 'Vole'];
const random = crypto.getRandomValues(new Uint16Array(2));

export const visitor = `${NAMES[random[0] % NAMES.length]} ${10 + (random[1] % 90)}`;
export const session = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
  byte.toString(16).padStart(2, '0'),
).join('');
