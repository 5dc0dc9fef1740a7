// Dark or light: as the system has it, until the reader chooses.

import { byId } from "./dom.js";

/** Makes the button switch, and calls `redraw` when the colours change. */
export function switchTheme(redraw) {
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const button = byId("theme");
  const say = () => button.setAttribute("aria-pressed", String(dark()));
  const kept = read();
  if (kept) document.documentElement.dataset.theme = kept;
  say();
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("faaslens-theme", document.documentElement.dataset.theme);
    } catch {
      // Without storage the choice lasts as long as the page is open.
    }
    say();
    redraw();
  });
  system.addEventListener("change", () => {
    say();
    redraw();
  });
}

function read() {
  try {
    const kept = localStorage.getItem("faaslens-theme");
    return kept === "dark" || kept === "light" ? kept : null;
  } catch {
    return null;
  }
}
