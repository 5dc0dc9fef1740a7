// Keys of the whole page, and the help that lists them.

import { byId } from "./dom.js";

/** Listens; `step` opens the next or previous trace of the list. */
export function listenToKeys({ step }) {
  const help = byId("help");
  byId("help-button").addEventListener("click", () => help.showModal());
  byId("help-close").addEventListener("click", () => help.close());
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = { j: () => step(1), k: () => step(-1), "/": () => byId("search").focus(), "?": () => (help.open ? help.close() : help.showModal()) };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  });
}
