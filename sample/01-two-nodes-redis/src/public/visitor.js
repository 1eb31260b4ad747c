// A name by which the other visitors know this page.

const NAMES = ['Otter', 'Heron', 'Badger', 'Lark', 'Marten', 'Finch', 'Newt', 'Stoat', 'Wren', 'Vole'];
const [name, number] = crypto.getRandomValues(new Uint16Array(2));

export const visitor = `${NAMES[name % NAMES.length]} ${10 + (number % 90)}`;
