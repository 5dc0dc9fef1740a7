// The percentile explorer: the distribution of a measure, a band dragged along it, and the traces within the band.

import { byId, choice, clip, el, fill } from "./dom.js";
import { categoryColour, categoryName, themed } from "./colours.js";
import { chartAxis, draw, logTicks } from "./chart.js";
import { count, ms, number } from "./format.js";
import { flagAt, msAt, textAt } from "./frame.js";
import { addressOf, decode, encode, setState, state } from "./state.js";
import { INVOCATION_MEASURE, TRACE_MEASURES, bandOf, contextOf, distributionOf, groupsOf, outline, quantile, sharesAt } from "./selection.js";

const EXEMPLARS = 40;
const LEAST_MS = 0.001;
const BANDS = [["all", 0, 100], ["fastest half", 0, 50], ["around the median", 45, 55], ["p90 to p99", 90, 99], ["slowest 1 %", 99, 100]];

/** The section that explores distributions. */
export class Explorer {
  constructor(open) {
    this.open = open;
    this.root = byId("explorer");
    this.controls = el("div", { class: "controls" });
    this.figure = el("div", { class: "chart", role: "img" });
    this.numbers = el("div", { class: "figures-of" });
    this.list = el("div", { class: "wide" });
    this.exemplars = [];
    fill(this.root, this.controls, this.figure, this.numbers, this.list);
    new ResizeObserver(() => this.chart?.setSize({ width: Math.max(260, this.figure.clientWidth), height: this.height() })).observe(this.figure);
  }

  height() {
    return window.innerWidth < 600 ? 240 : 300;
  }

  /** Draws for the runs and the state. */
  show(runs) {
    this.runs = runs;
    const now = state();
    this.measures = [...TRACE_MEASURES, INVOCATION_MEASURE].filter(([name]) => this.has(runs, name));
    const known = this.measures.some(([name]) => name === now.measure);
    this.measure = known ? now.measure : (this.measures[0]?.[0] ?? "root");
    this.groups = groupsOf(runs, this.measure);
    const group = this.groups.includes(now.group) ? now.group : "";
    this.a = distributionOf(runs, { measure: this.measure, group, filters: now });
    this.pinned = now.b ? decode(now.b) : null;
    this.b = this.pinned ? distributionOf(this.allRuns ?? runs, { measure: this.pinned.measure, group: this.pinned.group, filters: this.pinned }) : null;
    this.band = [clamp(now.lo, 0), clamp(now.hi, 100)];
    this.showControls(group);
    this.showChart();
    this.showNumbers();
    this.showExemplars();
  }

  has(runs, name) {
    if (name === INVOCATION_MEASURE[0]) return runs.some((run) => run.invocations.rows > 0);
    return runs.some((run) => run.traces.columns[name].some((value) => value > 0));
  }

  showControls(group) {
    const percentile = (label, key, value) => el("label", { class: "field short" }, el("span", {}, label),
      el("input", { type: "number", min: 0, max: 100, step: "any", value, id: `band-${key}`, onchange: (event) => setState({ [key]: String(clamp(event.target.value, key === "lo" ? 0 : 100)) }) }));
    const pin = this.b
      ? el("button", { type: "button", id: "unpin", onclick: () => setState({ b: "" }) }, "Remove B")
      : el("button", { type: "button", id: "pin", title: "Keep this curve as B, then change A", onclick: () => setState({ b: encode({ ...state(), b: "", trace: "", span: "", lo: "0", hi: "100" }) || "measure=root" }) }, "Keep as B");
    const focused = document.activeElement?.id;
    fill(this.controls,
      choice("Measure", this.measures, this.measure, (measure) => setState({ measure, group: "" })),
      choice(this.measure === INVOCATION_MEASURE[0] ? "Function" : "Route", [["", "all"], ...this.groups.map((name) => [name, name])], group, (value) => setState({ group: value })),
      percentile("From percentile", "lo", this.band[0]), percentile("to", "hi", this.band[1]),
      el("span", { class: "bands" }, BANDS.map(([name, lo, hi]) => el("button", { type: "button", class: "quiet", "aria-pressed": String(this.band[0] === lo && this.band[1] === hi), onclick: () => setState({ lo: String(lo), hi: String(hi) }) }, name)), pin));
    if (focused) byId(focused)?.focus();
  }

  showChart() {
    this.chart?.destroy();
    fill(this.figure);
    this.figure.setAttribute("aria-label", `Cumulative distribution, ${count(this.a.total)} values, median ${ms(quantile(this.a, 0.5))}. The table of percentiles below says the same.`);
    if (this.a.entries.length === 0) return fill(this.figure, el("p", { class: "note" }, "The filters leave nothing to draw."));
    const at = [...new Set([...outline(this.a), ...(this.b ? outline(this.b) : [])].map((value) => Math.max(LEAST_MS, value)))].sort((x, y) => x - y);
    const columns = [at, sharesAt(this.a, at), ...(this.b ? [sharesAt(this.b, at)] : [])];
    const stepped = uPlot.paths.stepped({ align: 1 });
    const curve = (label, colour, dash) => ({ label, stroke: () => themed(colour), width: 2, dash, paths: stepped, points: { show: false } });
    this.chart = draw(this.figure, {
      height: this.height(),
      scales: { x: { time: false, distr: 3 }, y: { range: [0, 1] } },
      axes: [chartAxis("ms, logarithmic", { values: logTicks, filter: (chart, splits) => splits }), chartAxis("share of values at or below", { values: (chart, splits) => splits.map((value) => `${Math.round(value * 100)} %`), size: 56 })],
      series: [{}, curve("A", "--curve-a"), ...(this.b ? [curve("B", "--curve-b", [6, 4])] : [])],
      hooks: { setSelect: [(chart) => this.dragged(chart)], drawClear: [(chart) => this.shade(chart)], setCursor: [(chart) => this.hover(chart)] },
    }, columns);
    this.reading = el("p", { class: "reading", "aria-hidden": "true" }, "Drag along the curve to choose a band of percentiles.");
    this.figure.append(this.reading);
  }

  hover(chart) {
    const { left } = chart.cursor;
    if (!this.reading || left === null || left === undefined || left < 0) return;
    const value = chart.posToVal(left, "x");
    const share = sharesAt(this.a, [value])[0];
    const other = this.b ? `, of B ${(sharesAt(this.b, [value])[0] * 100).toFixed(1)} %` : "";
    this.reading.textContent = `${(share * 100).toFixed(1)} % of ${this.b ? "A" : "the values"} are at most ${ms(value)}${other}`;
  }

  /** The band's ground on the chart. */
  shade(chart) {
    const [lo, hi] = this.band;
    if (lo <= 0 && hi >= 100) return;
    const { ctx, bbox } = chart;
    const edge = (share) => chart.valToPos(Math.max(LEAST_MS, quantile(this.a, share / 100)), "x", true);
    const left = lo <= 0 ? bbox.left : edge(lo);
    const right = hi >= 100 ? bbox.left + bbox.width : edge(hi);
    ctx.save();
    ctx.fillStyle = themed("--band");
    ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
    ctx.restore();
  }

  dragged(chart) {
    const { left, width } = chart.select;
    if (width < 3) return;
    const share = (pixels) => sharesAt(this.a, [chart.posToVal(pixels, "x")])[0] * 100;
    chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    const [lo, hi] = [share(left), share(left + width)];
    if (hi > lo) setState({ lo: lo.toFixed(2), hi: hi > 99.995 ? "100" : hi.toFixed(2) });
  }

  showNumbers() {
    const rows = [["A", this.a, this.describe(state())], ...(this.b ? [["B", this.b, this.describe(this.pinned)]] : [])];
    const shares = [["p5", 0.05], ["q1", 0.25], ["median", 0.5], ["q3", 0.75], ["p95", 0.95], ["p99", 0.99], ["max", 1]];
    const carries = (distribution, share) => !(share === 0.95 && distribution.total < 59) && !(share === 0.99 && distribution.total < 299);
    const table = el("table", {}, el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), el("th", { scope: "col" }, "of"), el("th", { class: "n", scope: "col" }, "n"), shares.map(([name]) => el("th", { class: "n", scope: "col" }, `${name} (ms)`)))),
      el("tbody", {}, rows.map(([name, distribution, what]) => el("tr", {}, el("th", { scope: "row", class: `curve-${name.toLowerCase()}` }, name), el("td", {}, clip(what, 120)), el("td", { class: "n" }, count(distribution.total)),
        shares.map(([, share]) => el("td", { class: "n" }, carries(distribution, share) ? number(quantile(distribution, share)) : "n/a"))))));
    const estimated = rows.filter(([, distribution]) => distribution.sampled);
    fill(this.numbers, el("div", { class: "wide" }, table),
      estimated.length > 0 ? el("p", { class: "note" }, `Estimated from a sample by strata: ${estimated.map(([name, distribution]) => `${name} has ${count(distribution.entries.length)} of ${count(distribution.total)}`).join(", ")}.`) : null);
  }

  describe(values) {
    const chosen = values === state() ? this.measure : values.measure;
    const name = [...TRACE_MEASURES, INVOCATION_MEASURE].find(([known]) => known === chosen)?.[1] ?? "";
    const parts = [values.group || (chosen === INVOCATION_MEASURE[0] ? "all functions" : "all routes"), name, values.run, values.provider, values.function, values.route, values.cold, values.complete && "complete only"];
    if (values.from !== "" || values.to !== "") parts.push(`${values.from || 0} to ${values.to || "end"} s`);
    return parts.filter(Boolean).join(" · ");
  }

  showExemplars() {
    const entries = bandOf(this.a, ...this.band);
    this.exemplars = spread(entries, EXEMPLARS);
    const shown = this.exemplars.map((entry, place) => this.exemplarRow(entry, place));
    const head = ["trace", "route", "value (ms)", "percentile", "root (ms)", "where its time went", "marks"];
    fill(this.list,
      el("h3", {}, `Traces between the percentiles ${number(this.band[0])} and ${number(this.band[1])}`),
      el("p", { class: "soft" }, entries.length === 0 ? "None." : `${count(entries.length)} values in the band${entries.length > shown.length ? `, ${shown.length} of them spread evenly` : ""}. j and k go through them.`),
      shown.length === 0 ? null : el("table", { id: "exemplars" }, el("thead", {}, el("tr", {}, head.map((name, at) => el("th", { scope: "col", class: at >= 2 && at <= 4 ? "n" : null }, name)))), el("tbody", {}, shown)));
  }

  exemplarRow(entry, place) {
    const { columns } = entry.run.traces;
    const context = contextOf(entry);
    const share = this.a.shares[entry.place];
    const parts = ["compute", "network", "db", "cold"].map((part) => [part, msAt(columns[part], entry.trace) ?? 0]);
    const sum = parts.reduce((total, [, value]) => total + value, 0);
    const bar = el("span", { class: "stack", role: "img", "aria-label": parts.filter(([, value]) => value > 0).map(([part, value]) => `${categoryName(part)} ${ms(value)}`).join(", ") || "unknown" }, parts.map(([part, value]) => {
      const piece = el("span", { title: `${categoryName(part)} ${ms(value)}` });
      piece.style.width = sum > 0 ? `${(value / sum) * 100}%` : "0";
      piece.style.background = categoryColour(part);
      return piece;
    }));
    const marks = [columns.cold_starts[entry.trace] > 0 ? `❄ ${columns.cold_starts[entry.trace]}` : null, flagAt(columns.complete, entry.trace) === false ? "not complete" : null].filter(Boolean).join(" ");
    const openIt = (event) => {
      event.preventDefault();
      this.open(entry, place);
    };
    const cell = (...children) => el("td", { class: "n" }, ...children);
    return el("tr", {}, el("td", {}, columns.invocations[entry.trace] > 0 ? el("a", { href: addressOf({ trace: `${entry.run.id}/${context}` }), onclick: openIt }, clip(context, 24)) : "request"),
      el("td", {}, clip(textAt(columns.route, entry.trace) ?? "", 60)), cell(number(entry.value)), cell(`${(share * 100).toFixed(1)}`), cell(number(msAt(columns.root, entry.trace))), el("td", {}, bar), el("td", {}, marks));
  }
}

/** At most so many entries, spread evenly, one a trace, the last always among them; traces that can be opened first. */
function spread(entries, most) {
  const seen = new Set();
  const once = entries.filter((entry) => {
    const key = `${entry.run.index}/${entry.trace}`;
    return !seen.has(key) && seen.add(key);
  });
  const detailed = once.filter((entry) => flagAt(entry.run.traces.columns.detailed, entry.trace));
  const from = detailed.length >= Math.min(most, 5) ? detailed : once;
  if (from.length <= most) return [...from].reverse();
  return Array.from({ length: most }, (unused, step) => from[Math.round((step * (from.length - 1)) / (most - 1))]).reverse();
}

function clamp(value, otherwise) {
  const parsed = Number.parseFloat(value);
  return Number.isFinite(parsed) ? Math.min(100, Math.max(0, parsed)) : otherwise;
}
