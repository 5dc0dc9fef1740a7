// Records by second and what is missing, and the bounds of the offsets between the providers' clocks.

import { byId, choice, clip, el, fill } from "./dom.js";
import { chartAxis, draw } from "./chart.js";
import { providerColour, themed } from "./colours.js";
import { msAt, textAt } from "./frame.js";
import { count, number } from "./format.js";
import { setState, state } from "./state.js";

const KINDS = [["lines", "log records"], ["client_sent", "client requests"], ["calls_made", "calls made"], ["missing", "callees and callers missing"]];
/** Runs that are drawn at a time. */
const RUNS = 4;

let kind = "lines";
let charts = [];

/** Draws the chart of completeness by second of each run. */
export function showSeconds(runs) {
  const root = byId("seconds-view");
  if (!root) return;
  for (const chart of charts) chart.destroy();
  charts = [];
  const drawn = runs.filter((run) => run.seconds && run.seconds.rows > 0);
  if (drawn.length === 0) return fill(root);
  fill(root, el("div", { class: "controls" }, choice("By second", KINDS, kind, (value) => { kind = value; showSeconds(runs); })));
  for (const run of drawn.slice(0, RUNS)) {
    const holder = el("div", { class: "chart", role: "img", "aria-label": `${KINDS.find(([name]) => name === kind)[1]} by second and provider, run ${run.id}` });
    root.append(holder);
    if (drawn.length > 1) holder.append(el("p", { class: "soft" }, clip(run.id, 80)));
    charts.push(drawSeconds(holder, run));
  }
  more(root, drawn);
}

/** Says how to see the runs that are not drawn. */
function more(root, runs) {
  if (runs.length > RUNS) root.append(el("p", { class: "note" }, `${count(runs.length - RUNS)} more runs: choose one in the filters to see it.`));
}

function drawSeconds(holder, run) {
  const { second, provider, [kind]: values } = run.seconds.columns;
  const seconds = [...new Set(second)].sort((a, b) => a - b);
  const begin = seconds[0];
  const providers = provider.values.filter((name) => !state().provider || name === state().provider);
  // A second without a row had no record: there the count is 0, between the first and the last second.
  const length = Math.min(20_000, Math.round((seconds.at(-1) - begin) / 1e6) + 1);
  const columns = providers.map(() => new Array(length).fill(0));
  for (let row = 0; row < run.seconds.rows; row += 1) {
    const place = providers.indexOf(textAt(provider, row));
    const at = Math.round((second[row] - begin) / 1e6);
    if (place >= 0 && at < length) columns[place][at] += values[row];
  }
  const stepped = uPlot.paths.stepped({ align: 1 });
  const legend = el("p", { class: "legend" }, providers.map((name) => {
    const mark = el("i", { class: "swatch" });
    mark.style.background = providerColour(name);
    return el("span", {}, mark, clip(name, 30));
  }));
  const chart = draw(holder, {
    height: 220,
    scales: { x: { time: false } },
    axes: [chartAxis("seconds since the first record"), chartAxis("a second", { size: 56 })],
    series: [{}, ...providers.map((name) => ({ label: name, stroke: providerColour(name), width: 1.5, paths: stepped, points: { show: false } }))],
    hooks: { setSelect: [(plot) => chooseSeconds(plot)] },
  }, [Array.from({ length }, (unused, at) => at), ...columns]);
  holder.append(legend);
  return chart;
}

function chooseSeconds(plot) {
  if (plot.select.width < 3) return;
  const at = (pixels) => Math.max(0, plot.posToVal(pixels, "x")).toFixed(1);
  const [from, to] = [at(plot.select.left), at(plot.select.left + plot.select.width)];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  setState({ from, to });
}

let bounds = [];

/** Draws the bounds of the offset of each pair of clocks over the run. */
export function showClocks(runs) {
  const root = byId("clocks-view");
  if (!root) return;
  for (const chart of bounds) chart.destroy();
  bounds = [];
  fill(root);
  const drawn = runs.filter((candidate) => candidate.offsets && candidate.offsets.rows > 0);
  for (const run of drawn.slice(0, RUNS)) {
    if (drawn.length > 1) root.append(el("p", { class: "soft" }, clip(run.id, 80)));
    const pairs = pairsOf(run);
    const list = el("div", { class: "small-charts" });
    root.append(list);
    for (const [name, pair] of pairs) {
      const holder = el("figure", { class: "chart small", role: "img", "aria-label": `Offset of the clocks of ${name}: between ${number(pair.low[0])} and ${number(pair.high[0])} ms at the begin` }, el("figcaption", {}, `${clip(name, 60)}, ms`));
      list.append(holder);
      bounds.push(drawBounds(holder, pair));
    }
  }
  more(root, drawn);
}

function pairsOf(run) {
  const { a, b, at, low, high, estimate } = run.offsets.columns;
  const pairs = new Map();
  const wanted = state().provider;
  for (let row = 0; row < run.offsets.rows; row += 1) {
    const [first, second] = [textAt(a, row), textAt(b, row)];
    if (Number.isNaN(low[row]) || (wanted && first !== wanted && second !== wanted)) continue;
    const name = `${first} − ${second}`;
    if (!pairs.has(name)) pairs.set(name, { at: [], low: [], high: [], estimate: [] });
    const pair = pairs.get(name);
    pair.at.push((at[row] - run.offsets.columns.at[0]) / 1e6);
    pair.low.push(msAt(low, row));
    pair.high.push(msAt(high, row));
    pair.estimate.push(msAt(estimate, row));
  }
  return [...pairs].slice(0, 24);
}

function drawBounds(holder, pair) {
  return draw(holder, {
    height: 130,
    cursor: { show: false },
    scales: { x: { time: false } },
    axes: [chartAxis(null, { labelSize: 0, values: (chart, splits) => splits.map((value) => `${value} s`) }), chartAxis(null, { labelSize: 0, size: 48, space: 22, values: (chart, splits) => splits.map((value) => `${number(value)}`) })],
    series: [{}, ...["--soft", "--soft", "--curve-a"].map((colour, at) => ({ stroke: () => themed(colour), width: at === 2 ? 1.5 : 1, dash: at === 2 ? [4, 3] : undefined, points: { show: false } }))],
    bands: [{ series: [2, 1], fill: () => themed("--band") }],
  }, [pair.at, pair.low, pair.high, pair.estimate]);
}
