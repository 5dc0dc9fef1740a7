// A trace for other programs: JSON, and the trace event format that Perfetto and chrome://tracing read.

/** A trace as plain values: durations in ms, instants RFC 3339 and in microseconds. */
export function traceAsJson(trace, parts) {
  const plain = (row) => Object.fromEntries(Object.entries(row).filter(([key]) => key !== "row" && key !== "trace").map(([key, value]) => [nameOf(key), value]));
  return JSON.stringify({ ...trace, invocations: parts.spans.map(plain), calls: parts.calls.map(plain), db_calls: parts.operations.map(plain), critical_path: parts.segments.map(plain) }, null, 2);
}

const DURATIONS = new Set(["shift", "duration", "compute", "network", "db", "request", "response", "publisher", "publish", "uncertainty"]);

function nameOf(key) {
  if (key === "start") return "start_us";
  return DURATIONS.has(key) ? `${key}_ms` : key;
}

/** A trace in the trace event format: a process for each provider, a thread for each executor and overlapping branch. */
export function traceEvents(name, { rows }) {
  const events = [];
  const processes = new Map();
  const lanes = new Map();
  let lane = 0;
  for (const row of rows) {
    if (!Number.isFinite(row.start)) continue;
    const provider = row.provider ?? "missing";
    if (!processes.has(provider)) {
      processes.set(provider, processes.size + 1);
      events.push({ ph: "M", name: "process_name", pid: processes.get(provider), args: { name: provider } });
    }
    const pid = processes.get(provider);
    const owner = row.kind === "invocation" ? row : row.above;
    if (!lanes.has(owner)) {
      lane += 1;
      lanes.set(owner, lane);
      events.push({ ph: "M", name: "thread_name", pid, tid: lane, args: { name: owner?.span ? `${owner.span.function} ${owner.span.executor}` : "missing" } });
    }
    const args = { kind: row.kind, cold: row.span?.cold ?? null, network_ms: row.call?.network ?? null, critical: row.critical.length > 0 };
    events.push({ ph: "X", name: row.name, cat: row.kind, pid, tid: lanes.get(owner), ts: row.start, dur: (row.duration ?? 0) * 1000, args });
    if (row.kind === "invocation" && row.call && row.above && Number.isFinite(row.call.start)) {
      const flow = { cat: row.call.kind, name: "call", id: lanes.get(owner) };
      events.push({ ph: "s", ...flow, pid: processes.get(row.above.provider), tid: lanes.get(row.above), ts: row.call.start });
      events.push({ ph: "f", bp: "e", ...flow, pid, tid: lanes.get(owner), ts: row.start });
    }
  }
  return JSON.stringify({ displayTimeUnit: "ms", otherData: { trace: name, writer: "faaslens" }, traceEvents: events });
}
