// What differs between two sets of traces: mean time on the critical path by function and category.

import { byId, choice, clip, el, fill } from "./dom.js";
import { categoryColour, categoryName } from "./colours.js";
import { count, ms, number, percent, signed } from "./format.js";
import { byFunction } from "./profile.js";
import { setState, state } from "./state.js";

const ROWS = 25;

/** Fills the table of differences; `references` are [value, name] to choose from. */
export function showDifferences(profile, reference, what, references) {
  const [mine, theirs] = [byFunction(profile), byFunction(reference)];
  const rows = [...new Set([...mine.keys(), ...theirs.keys()])].map((key) => {
    const [name, provider, category] = JSON.parse(key);
    return { name, provider, category, mine: mine.get(key) ?? 0, theirs: theirs.get(key) ?? 0 };
  });
  const gap = profile.top.total - reference.top.total;
  rows.sort((a, b) => Math.abs(b.mine - b.theirs) - Math.abs(a.mine - a.theirs));
  const shown = rows.slice(0, ROWS).filter((row) => Math.abs(row.mine - row.theirs) > 0.0005);
  const head = ["function", "provider", "category", "compared with (ms)", "chosen (ms)", "difference", "share of it"];
  fill(byId("difference-view"),
    el("div", { class: "controls" }, choice("Compare with", references, state().against, (against) => setState({ against }))),
    profile.n === 0 || reference.n === 0
      ? el("p", { class: "note" }, "One of the two has no traces with a critical path.")
      : el("p", {}, `${cap(what.chosen)} take ${ms(profile.top.total)} on their critical paths (n = ${count(profile.n)}), ${what.reference} ${ms(reference.top.total)} (n = ${count(reference.n)}): ${signed(gap)} a trace.`),
    shown.length === 0 ? null : el("div", { class: "wide" }, el("table", { id: "differences" }, el("thead", {}, el("tr", {}, head.map((name, at) => el("th", { scope: "col", class: at > 2 ? "n" : null }, name)))),
      el("tbody", {}, shown.map((row) => line(row, gap))))),
    rows.length > shown.length ? el("p", { class: "soft" }, `${count(rows.length - shown.length)} more differ less.`) : null);
}

function line(row, gap) {
  const mark = el("i", { class: "swatch" });
  mark.style.background = categoryColour(row.category);
  const difference = row.mine - row.theirs;
  return el("tr", {}, el("td", {}, clip(row.name, 60)), el("td", {}, clip(row.provider, 30)), el("td", {}, mark, categoryName(row.category)),
    el("td", { class: "n" }, number(row.theirs)), el("td", { class: "n" }, number(row.mine)), el("td", { class: "n" }, signed(difference)), el("td", { class: "n" }, Math.abs(gap) > 0.0005 ? percent(difference / gap) : "n/a"));
}

function cap(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
