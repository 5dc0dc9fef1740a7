// Which traces the filters leave, and the distribution of a measure over them.

import { textAt } from "./frame.js";

/** Measures of a trace: column of the frame `traces`, name, what it is. */
export const TRACE_MEASURES = [
  ["root", "end-to-end: duration of the root"],
  ["client", "response time at the client"],
  ["compute", "compute on the critical path"],
  ["network", "network on the critical path"],
  ["db", "database on the critical path"],
  ["cold", "cold start on the critical path"],
  ["trigger", "trigger delays of the longest chain"],
  ["client_network", "network to the client"],
  ["chain", "first start to last end"],
];

/** The measure of single invocations. */
export const INVOCATION_MEASURE = ["duration", "execution duration of a function"];

/** Whether a measure is one of invocations. */
export function isOfInvocations(measure) {
  return measure === INVOCATION_MEASURE[0];
}

/** Start of a run's first trace, in microseconds. */
export function beginOf(run) {
  const starts = run.traces.columns.start;
  return starts.length > 0 ? starts[0] : 0;
}

/** One byte a trace of a run: 1 where the filters leave it. */
export function maskOf(run, filters) {
  const traces = run.traces.columns;
  const mask = new Uint8Array(run.traces.rows).fill(1);
  const keep = (test) => {
    for (let row = 0; row < mask.length; row += 1) if (mask[row] && !test(row)) mask[row] = 0;
  };
  if (filters.run && filters.run !== run.id) mask.fill(0);
  if (filters.route) {
    const code = traces.route.values.indexOf(filters.route);
    keep((row) => traces.route.codes[row] === code);
  }
  if (filters.provider) {
    const fits = traces.providers.values.map((value) => value.split("+").includes(filters.provider));
    keep((row) => fits[traces.providers.codes[row]] === true);
  }
  if (filters.function) {
    const holds = tracesWith(run, filters.function);
    const entry = traces.function.values.indexOf(filters.function);
    keep((row) => holds[row] === 1 || traces.function.codes[row] === entry);
  }
  if (filters.cold) keep((row) => (traces.cold_starts[row] > 0) === (filters.cold === "cold"));
  if (filters.complete) keep((row) => traces.complete[row] === 1);
  const begin = beginOf(run);
  if (filters.from !== "") keep((row) => traces.start[row] - begin >= Number(filters.from) * 1e6);
  if (filters.to !== "") keep((row) => traces.start[row] - begin <= Number(filters.to) * 1e6);
  return mask;
}

/** One byte a trace: 1 where one of its invocations is of that function. */
function tracesWith(run, name) {
  const { trace, function: functions } = run.invocations.columns;
  const holds = new Uint8Array(run.traces.rows);
  const code = functions.values.indexOf(name);
  for (let row = 0; row < run.invocations.rows; row += 1) if (functions.codes[row] === code) holds[trace[row]] = 1;
  return holds;
}

/** Groups that a measure can be narrowed to: routes, or functions with their provider. */
export function groupsOf(runs, measure) {
  const names = new Set();
  for (const run of runs) {
    if (isOfInvocations(measure)) {
      const { function: functions, provider } = run.invocations.columns;
      const seen = new Set();
      for (let row = 0; row < run.invocations.rows; row += 1) {
        const key = functions.codes[row] * 4096 + provider.codes[row];
        if (seen.has(key)) continue;
        seen.add(key);
        names.add(`${functions.values[functions.codes[row]]} @ ${provider.values[provider.codes[row]]}`);
      }
    } else {
      for (const value of run.traces.columns.route.values) names.add(value);
    }
  }
  return [...names].sort();
}

/** A distribution: values ascending (ms) with weights, run and trace of each, and how many values they stand for. */
export function distributionOf(runs, { measure, group, filters }) {
  const found = [];
  for (const run of runs) {
    const mask = maskOf(run, filters);
    if (isOfInvocations(measure)) takeInvocations(run, mask, group, filters, found);
    else takeTraces(run, mask, measure, group, found);
  }
  found.sort((a, b) => a.value - b.value);
  let total = 0;
  const shares = new Float64Array(found.length);
  found.forEach((entry, place) => {
    entry.place = place;
    total += entry.weight;
    shares[place] = total;
  });
  for (let place = 0; place < shares.length; place += 1) shares[place] /= total;
  const sampled = found.some((entry) => entry.weight !== 1);
  return { entries: found, shares, total, sampled };
}

function takeTraces(run, mask, measure, group, found) {
  const traces = run.traces.columns;
  const values = traces[measure] ?? traces.root;
  const code = group ? traces.route.values.indexOf(group) : null;
  for (let row = 0; row < mask.length; row += 1) {
    if (!mask[row] || Number.isNaN(values[row])) continue;
    if (code !== null && traces.route.codes[row] !== code) continue;
    found.push({ value: values[row] / 1000, weight: traces.weight[row], run, trace: row });
  }
}

function takeInvocations(run, mask, group, filters, found) {
  const { trace, function: functions, provider, duration, cold, complete } = run.invocations.columns;
  const [name, of] = group ? splitGroup(group) : [filters.function, filters.provider];
  const functionCode = name ? functions.values.indexOf(name) : null;
  const providerCode = of ? provider.values.indexOf(of) : null;
  const weights = run.traces.columns.timed_weight;
  // Cold and complete are facts of an invocation here, not of its trace.
  const wanted = filters.cold || filters.complete ? maskOf(run, { ...filters, cold: "", complete: "" }) : mask;
  for (let row = 0; row < run.invocations.rows; row += 1) {
    if (!wanted[trace[row]] || Number.isNaN(duration[row])) continue;
    if (functionCode !== null && functions.codes[row] !== functionCode) continue;
    if (providerCode !== null && provider.codes[row] !== providerCode) continue;
    if (filters.cold && cold[row] !== (filters.cold === "cold" ? 1 : 0)) continue;
    if (filters.complete && complete[row] !== 1) continue;
    found.push({ value: duration[row] / 1000, weight: weights[trace[row]], run, trace: trace[row] });
  }
}

/** Function and provider of a group's name. */
export function splitGroup(group) {
  const at = group.lastIndexOf(" @ ");
  return at < 0 ? [group, ""] : [group.slice(0, at), group.slice(at + 3)];
}

/** The quantile of a distribution: type 7 where all weights are 1, else the least value that so large a share is at or below. */
export function quantile({ entries, shares, sampled }, share) {
  if (entries.length === 0) return null;
  if (sampled) return entries[Math.min(entries.length - 1, firstAtLeast(shares, share))].value;
  const at = share * (entries.length - 1);
  const below = Math.floor(at);
  const above = Math.min(entries.length - 1, below + 1);
  return entries[below].value + (at - below) * (entries[above].value - entries[below].value);
}

/** Place of the first share that is not less. */
export function firstAtLeast(shares, share) {
  let [low, high] = [0, shares.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (shares[middle] < share - 1e-12) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Entries between two percentiles. */
export function bandOf(distribution, low, high) {
  const from = low <= 0 ? 0 : firstAtLeast(distribution.shares, low / 100);
  const to = high >= 100 ? distribution.entries.length : firstAtLeast(distribution.shares, high / 100) + 1;
  return distribution.entries.slice(from, Math.max(to, from));
}

/** Share of a distribution at or below each of some values. */
export function sharesAt({ entries, shares }, values) {
  let place = 0;
  return values.map((value) => {
    while (place < entries.length && entries[place].value <= value) place += 1;
    return place === 0 ? 0 : shares[place - 1];
  });
}

/** At most so many values of a distribution that carry its shape, tails included. */
export function outline({ entries, shares }, most = 400) {
  if (entries.length <= most) return entries.map((entry) => entry.value);
  const values = [];
  for (let step = 0; step <= most; step += 1) {
    // Half of the points evenly, half of them ever closer to both ends.
    const t = step / most;
    const share = t < 0.5 ? 0.5 * (2 * t) ** 2 : 1 - 0.5 * (2 - 2 * t) ** 2;
    values.push(entries[Math.min(entries.length - 1, firstAtLeast(shares, share))].value);
  }
  return values;
}

/** The context of an entry. */
export function contextOf(entry) {
  return textAt(entry.run.traces.columns.context, entry.trace);
}
