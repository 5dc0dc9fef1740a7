// Elements. Text only ever comes in as text: nothing here parses markup.

/** An element with attributes (on… are listeners) and children (texts or elements). */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** The element of that id. */
export function byId(id) {
  return document.getElementById(id);
}

/** Puts children in place of what an element has. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined));
}

/** A labelled select; options are [value, text]. */
export function choice(label, options, value, onchange) {
  const select = el("select", { "aria-label": label, onchange: (event) => onchange(event.target.value) });
  for (const [key, text] of options) select.append(el("option", { value: key, selected: key === value }, clip(text, 80)));
  return el("label", { class: "field" }, el("span", {}, label), select);
}

/** A text of at most so many characters. */
export function clip(text, most) {
  const characters = [...String(text)];
  return characters.length <= most ? String(text) : `${characters.slice(0, most - 1).join("")}…`;
}

/** Offers bytes as a file. */
export function download(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

let status = null;

/** Tells a screen reader, and the line at the bottom, what happened. */
export function announce(text) {
  // Whoever redraws a dialog takes the line out with the rest: it is kept here.
  status ??= byId("announce");
  // What is outside of an open dialog can neither be seen nor heard.
  (document.querySelector("dialog[open]") ?? document.body).append(status);
  status.textContent = text;
  clearTimeout(announce.timer);
  announce.timer = setTimeout(() => { status.textContent = ""; }, 6000);
}
