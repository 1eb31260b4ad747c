export const $ = (id) => document.getElementById(id);

/** Creates an element. Strings become text, never HTML. */
export function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

export const money = (cents) => `€ ${(cents / 100).toFixed(2)}`;
export const time = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
