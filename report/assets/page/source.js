// Where runs come from: blocks of this file, or the server that sent the page.

import { decodeFrames, flagAt, msAt, textAt, unpack } from "./frame.js";
import { byId } from "./dom.js";

/** What the page was made of: { served, version, runs: [{ id, labels, explored }] }. */
export function readSetup() {
  return JSON.parse(byId("setup").textContent);
}

/** The frames of a run, decoded when first asked for. */
export class Source {
  constructor(setup) {
    this.setup = setup;
    this.loading = new Map();
  }

  /** Frames of a run for exploration; null where it has none. */
  run(index) {
    if (!this.setup.runs[index]?.explored) return Promise.resolve(null);
    if (!this.loading.has(index)) this.loading.set(index, this.load(index));
    return this.loading.get(index);
  }

  async load(index) {
    const frames = this.setup.served
      ? await fetchFrames(`api/explore?run=${encodeURIComponent(this.setup.runs[index].id)}`)
      : decodeFrames(await unpack(byId(`frames-${index}`).textContent));
    const tables = decodeFrames(await unpack(byId(`tables-${index}`).textContent));
    return { index, id: this.setup.runs[index].id, ...frames, ...tables };
  }

  /** All runs that the filter leaves. */
  async runs(filter) {
    const chosen = this.setup.runs.map((run, index) => index).filter((index) => !filter || this.setup.runs[index].id === filter);
    return (await Promise.all(chosen.map((index) => this.run(index)))).filter((run) => run !== null);
  }

  /** The rows of one trace, or null where the page does not hold its spans. */
  async trace(run, row) {
    const context = textAt(run.traces.columns.context, row);
    if (this.setup.served) {
      const query = new URLSearchParams({ run: run.id, context });
      return rowsOfTrace(await fetchFrames(`api/trace?${query}`), 0);
    }
    return flagAt(run.traces.columns.detailed, row) ? rowsOfTrace(run, row) : null;
  }
}

async function fetchFrames(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${response.status}: ${(await response.text()).slice(0, 200)}`);
  return decodeFrames(await response.arrayBuffer());
}

/** Rows of the frames of spans that belong to one trace, as objects; places are those within the answer. */
function rowsOfTrace(frames, trace) {
  const spans = objects(frames.spans, trace);
  const first = spans.length > 0 ? spans[0].row : 0;
  const place = (value) => (Number.isNaN(value) ? null : value - first);
  const calls = objects(frames.calls, trace);
  const operations = objects(frames.operations, trace);
  const segments = objects(frames.segments, trace);
  for (const span of spans) span.parent = place(span.parent);
  for (const call of calls) [call.caller, call.callee] = [place(call.caller), place(call.callee)];
  for (const row of [...operations, ...segments]) row.span = place(row.span);
  return { spans, calls, operations, segments };
}

const PLACES = new Set(["parent", "caller", "callee", "span", "trace"]);

function objects(frame, trace) {
  const [from, to] = rangeOf(frame.columns.trace, trace);
  const rows = [];
  for (let row = from; row < to; row += 1) {
    const entry = { row };
    for (const [name, column] of Object.entries(frame.columns)) {
      if (column.codes) entry[name] = textAt(column, row);
      else if (column instanceof Uint8Array) entry[name] = flagAt(column, row);
      else if (name === "start" || PLACES.has(name)) entry[name] = column[row];
      else entry[name] = msAt(column, row);
    }
    rows.push(entry);
  }
  return rows;
}

/** Rows of a sorted column that have a value: [first, one after last]. */
export function rangeOf(column, value) {
  const from = lowerBound(column, value);
  return [from, lowerBound(column, value + 1)];
}

function lowerBound(column, value) {
  let [low, high] = [0, column.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (column[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
