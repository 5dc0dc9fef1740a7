// Puts the page together: reads what it holds, draws it, and redraws it when the address changes.

import { announce, byId, el, fill } from "./dom.js";
import { count } from "./format.js";
import { textAt } from "./frame.js";
import { Explorer } from "./explorer.js";
import { namesOf, showFilters } from "./filters.js";
import { showFlame } from "./flame.js";
import { showDifferences } from "./differences.js";
import { listenToKeys } from "./keys.js";
import { profileOf } from "./profile.js";
import { showClocks, showSeconds } from "./seconds.js";
import { FILTERS, followAddress, onChange, setState, state } from "./state.js";
import { bandOf, contextOf } from "./selection.js";
import { Source, readSetup } from "./source.js";
import { makeSortable, narrow, openForPrint } from "./tables.js";
import { switchTheme } from "./theme.js";
import { Waterfall } from "./waterfall.js";

const page = { place: -1 };

async function start() {
  const setup = readSetup();
  page.source = new Source(setup);
  followAddress();
  makeSortable();
  openForPrint();
  listenToKeys({ step });
  page.waterfall = new Waterfall({ onclose: () => setState({ trace: "", span: "" }), onstep: step, onspan: (span) => state().trace && setState({ span: String(span) }) });
  page.explorer = new Explorer((entry, place) => { page.place = place; openEntry(entry); });
  for (const link of document.querySelectorAll("a[data-at]")) link.addEventListener("click", (event) => { event.preventDefault(); setState({ at: link.dataset.at }, true); goTo(link.dataset.at); });
  const all = await page.source.runs("");
  page.explorable = all.length > 0 && all.some((run) => run.traces.rows > 0);
  page.names = namesOf(setup, all);
  page.explorer.allRuns = all;
  byId("search-form").addEventListener("submit", (event) => { event.preventDefault(); search(byId("search").value.trim()); });
  for (const part of document.querySelectorAll(".live")) part.hidden = false;
  if (!page.explorable) for (const part of document.querySelectorAll(".explorable")) part.hidden = true;
  page.profiled = all.some((run) => run.own.rows > 0);
  if (!page.profiled) for (const part of document.querySelectorAll(".profiled")) part.hidden = true;
  switchTheme(redraw);
  onChange(changed);
  await redraw();
  if (state().at) goTo(state().at);
  await showTrace();
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
}

async function redraw() {
  page.runs = await page.source.runs(state().run);
  showFilters(page.names);
  narrow();
  showSeconds(page.runs);
  showClocks(page.runs);
  if (!page.explorable) return;
  page.explorer.show(page.runs.length > 0 ? page.runs : page.explorer.allRuns);
  if (page.profiled) showProfiles();
  showSample();
}

function showProfiles() {
  const { a, b, band } = page.explorer;
  const now = state();
  const whole = band[0] <= 0 && band[1] >= 100;
  const chosen = whole ? "all traces" : `traces of the band ${band[0]} to ${band[1]}`;
  const references = [["median", "traces around the median (45 to 55)"], ["fast", "the fastest half"], ["rest", "all traces"], ...(b ? [["b", "B"]] : [])];
  const against = references.some(([name]) => name === now.against) ? now.against : "median";
  const entries = { median: () => bandOf(a, 45, 55), fast: () => bandOf(a, 0, 50), rest: () => a.entries, b: () => bandOf(b, ...band) }[against]();
  const reference = profileOf(entries);
  const profile = profileOf(bandOf(a, ...band));
  const what = { chosen, reference: references.find(([name]) => name === against)[1] };
  showFlame(profile, reference, what);
  showDifferences(profile, reference, what, references);
}

function showSample() {
  const sums = { of: 0, listed: 0, timed: 0, detailed: 0 };
  const rows = [];
  for (const run of page.runs) {
    const { columns, rows: strata } = run.strata;
    for (let row = 0; row < strata; row += 1) {
      for (const key of Object.keys(sums)) sums[key] += columns[key][row];
      rows.push([run.id, textAt(columns.route, row), textAt(columns.stratum, row), columns.of[row], columns.listed[row], columns.timed[row], columns.detailed[row]]);
    }
  }
  const served = page.source.setup.served;
  const whole = sums.of === sums.listed && sums.of === sums.timed && (served || sums.of === sums.detailed);
  const text = whole
    ? `All ${count(sums.of)} traces are here${served ? ", each read from the store when it is opened" : ""}.`
    : `Of ${count(sums.of)} traces, ${count(sums.listed)} are in the distributions of routes, ${count(sums.timed)} in those of functions and in the flame view, ${count(sums.detailed)} can be opened: a sample by strata. faaslens serve has all.`;
  const head = ["run", "route", "stratum", "traces", "listed", "timed", "can be opened"];
  const table = () => el("div", { class: "wide" }, el("table", {}, el("thead", {}, el("tr", {}, head.map((name, at) => el("th", { scope: "col", class: at > 2 ? "n" : null }, name)))),
    el("tbody", {}, rows.map((cells) => el("tr", {}, cells.map((cell, at) => el("td", { class: at > 2 ? "n" : null }, typeof cell === "number" ? count(cell) : (cell ?? ""))))))));
  fill(byId("sample"), el("p", { class: "note" }, text), whole || served ? null : el("details", {}, el("summary", {}, "What was left out, by route and stratum"), table()));
}

function changed(names) {
  if (names.some((name) => name === "trace")) showTrace();
  if (names.every((name) => ["trace", "span", "at"].includes(name))) {
    if (names.includes("at") && state().at) goTo(state().at);
    return;
  }
  redraw();
  if (names.some((name) => FILTERS.includes(name))) announce("Filtered");
}

function openEntry(entry) {
  setState({ trace: `${entry.run.id}/${contextOf(entry)}`, span: "0" }, true);
}

/** Shows the trace that the address names. */
async function showTrace() {
  const wanted = state().trace;
  if (!wanted) return page.waterfall.close();
  const at = wanted.indexOf("/");
  const [id, context] = [wanted.slice(0, at), wanted.slice(at + 1)];
  const run = page.explorer.allRuns.find((candidate) => candidate.id === id);
  const row = run ? run.traces.columns.context.values.indexOf(context) : -1;
  if (row < 0) return announce(`There is no trace ${context} in this page`);
  try {
    const parts = await page.source.trace(run, row);
    if (state().trace === wanted) page.waterfall.show(run, row, parts, state().span);
  } catch (error) {
    announce(`The trace could not be read: ${error.message}`);
  }
}

function step(by) {
  const { exemplars } = page.explorer;
  if (!page.explorable || exemplars.length === 0) return;
  const shown = exemplars.findIndex((entry) => state().trace === `${entry.run.id}/${contextOf(entry)}`);
  page.place = Math.min(exemplars.length - 1, Math.max(0, (shown >= 0 ? shown : page.place) + by));
  openEntry(exemplars[page.place]);
}

/** Opens the trace of a context ID, or narrows down to a function or route of that name. */
function search(text) {
  if (text === "") return;
  for (const run of page.explorer.allRuns) {
    const row = run.traces.columns.context.values.indexOf(text);
    if (row >= 0) return setState({ trace: `${run.id}/${text}`, span: "0" }, true);
  }
  const match = (names) => names.find((name) => name === text) ?? names.find((name) => name.toLowerCase().includes(text.toLowerCase()));
  const [route, name] = [match(page.names.routes), match(page.names.functions)];
  if (route) setState({ route, measure: "root", group: "" }, true);
  else if (name) setState({ function: name }, true);
  else announce(`Nothing here is called ${text}`);
}

function goTo(id) {
  const target = byId(id);
  if (!target) return;
  target.scrollIntoView();
  if (!target.hasAttribute("tabindex")) target.setAttribute("tabindex", "-1");
  target.focus({ preventScroll: true });
}

start().catch((error) => {
  byId("failed").hidden = false;
  byId("failed").textContent = `The interactive part of this page could not start: ${error.message}. Tables and figures below are complete.`;
});
