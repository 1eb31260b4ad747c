// Elements. Text is only ever set as text.

/** @param children elements and texts */
export function element(name, properties = {}, ...children) {
  const created = Object.assign(document.createElement(name), properties);
  created.append(...children);
  return created;
}

export function byId(id) {
  return document.getElementById(id);
}

/** Sets a text only if it differs, so that a selection and assistive technology are not disturbed. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** A button that opens a client or a room. */
export function opener(kind, name, text = name) {
  const button = element('button', { type: 'button', className: 'open' }, text);
  button.dataset.kind = kind;
  button.dataset.name = name;
  return button;
}

/** Shows pairs of a term and a text in a description list. */
export function showFacts(list, facts) {
  const shown = facts.filter(([, text]) => text !== undefined && text !== '');
  if (list.children.length !== 2 * shown.length)
    list.replaceChildren(...shown.flatMap(() => [element('dt'), element('dd')]));
  shown.forEach(([term, text], index) => {
    setText(list.children[2 * index], term);
    setText(list.children[2 * index + 1], text);
  });
}
