// The tables and figures that came with the page: sorted by a click on a heading, narrowed by the filters.

import { el } from "./dom.js";
import { state } from "./state.js";

/** Makes the headings of every table sort it. */
export function makeSortable() {
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, place) => {
      const button = el("button", { type: "button", class: "sort" }, heading.textContent);
      button.addEventListener("click", () => sortBy(table, place, heading));
      heading.replaceChildren(button);
    });
  }
}

function sortBy(table, place, heading) {
  const ascending = heading.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const value = (row) => {
    const text = row.cells[place].textContent.trim();
    const parsed = Number.parseFloat(text.replace(/[\u00a0\s]/g, "").replace("−", "-"));
    return heading.classList.contains("n") ? (Number.isNaN(parsed) ? null : parsed) : text;
  };
  const rows = [...body.rows].map((row) => [value(row), row]);
  const order = ascending ? 1 : -1;
  rows.sort(([a], [b]) => {
    if (a === b) return 0;
    if (a === null) return 1;
    if (b === null) return -1;
    return (a < b ? -1 : 1) * order;
  });
  body.append(...rows.map(([, row]) => row));
}

const COLUMNS = { provider: ["provider", "caller_provider", "publisher_provider", "provider_a", "provider_b", "peer"], function: ["function"], route: ["name"] };

/** Hides rows, tables and figures that the filters leave out, and says how many rows are hidden. */
export function narrow() {
  const now = state();
  for (const part of document.querySelectorAll("[data-run]")) part.hidden = now.run !== "" && part.dataset.run !== now.run;
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells].map((cell) => cell.textContent.trim());
    const tests = Object.entries(COLUMNS).filter(([key]) => now[key] !== "").map(([key, names]) => [now[key], headings.flatMap((name, place) => (names.includes(name) ? [place] : []))]).filter(([, places]) => places.length > 0);
    const scope = headings.indexOf("scope");
    let hidden = 0;
    for (const row of table.tBodies[0].rows) {
      row.hidden = !tests.every(([wanted, places]) => {
        if (places.length === 1 && headings[places[0]] === "name" && scope >= 0 && row.cells[scope].textContent !== "route") return true;
        return places.some((place) => row.cells[place].textContent.trim() === wanted);
      });
      if (row.hidden) hidden += 1;
    }
    const note = table.parentElement.parentElement.querySelector(".hidden-rows");
    if (note) note.textContent = hidden > 0 ? `${hidden} rows hidden by the filters. ` : "";
  }
}

/** Opens every table before the page is printed. */
export function openForPrint() {
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details.table")) details.open = true;
  });
}
