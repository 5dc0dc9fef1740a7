// The spans of a trace as rows of a waterfall: callees under their callers, in order of start.

/** Rows of a trace, with its begin (microseconds) and length (ms). */
export function rowsOf(parts) {
  const context = { parts, seen: new Set(), rows: [], calls: groupBy(parts.calls, "caller"), operations: groupBy(parts.operations, "span") };
  const fromClient = new Map(parts.calls.filter((call) => call.from_client && call.callee !== null).map((call) => [call.callee, call]));
  const tops = parts.spans.map((span, place) => place).filter((place) => parts.spans[place].parent === null);
  for (const place of tops) descend(context, place, fromClient.get(place) ?? null, 0, null);
  // What calls itself in a ring hangs on nothing.
  parts.spans.forEach((span, place) => descend(context, place, null, 0, null));
  for (const operation of parts.operations.filter((row) => row.span === null)) context.rows.push(operationRow(operation, 0, null));
  const starts = context.rows.map((row) => Math.min(row.start, row.call?.start ?? Infinity)).filter(Number.isFinite);
  const begin = starts.reduce((least, start) => Math.min(least, start), Infinity);
  const end = context.rows.reduce((most, row) => Math.max(most, endOf(row)), begin);
  for (const segment of parts.segments) {
    const row = context.rows.find((candidate) => candidate.place !== undefined && candidate.place === segment.span);
    if (row && (segment.scope === "root" || segment.scope === "event")) row.critical.push(segment);
  }
  return { rows: context.rows, begin: Number.isFinite(begin) ? begin : 0, length: Math.max(0.001, (end - begin) / 1000 || 0) };
}

function endOf(row) {
  const own = row.start + (row.duration ?? 0) * 1000;
  const call = row.call && row.call.duration !== null ? row.call.start + row.call.duration * 1000 : own;
  return Math.max(Number.isFinite(own) ? own : -Infinity, Number.isFinite(call) ? call : -Infinity);
}

function groupBy(rows, key) {
  const groups = new Map();
  for (const row of rows) {
    if (row[key] === null) continue;
    if (!groups.has(row[key])) groups.set(row[key], []);
    groups.get(row[key]).push(row);
  }
  return groups;
}

function descend(context, place, call, depth, above) {
  if (context.seen.has(place) || depth > 200) return;
  context.seen.add(place);
  const span = context.parts.spans[place];
  const row = {
    kind: "invocation", place, depth, above, span, call, critical: [],
    name: span.function, provider: span.provider, start: span.start, duration: span.duration,
  };
  context.rows.push(row);
  const children = [
    ...(context.calls.get(place) ?? []).map((child) => ({ child, call: true })),
    ...(context.operations.get(place) ?? []).map((child) => ({ child, call: false })),
  ].sort((a, b) => (a.child.start || 0) - (b.child.start || 0));
  for (const { child, call: isCall } of children) {
    if (!isCall) context.rows.push(operationRow(child, depth + 1, row));
    else if (child.callee !== null && !context.seen.has(child.callee)) descend(context, child.callee, child, depth + 1, row);
    else if (child.callee === null) context.rows.push(lostRow(child, depth + 1, row));
  }
}

function operationRow(operation, depth, above) {
  return {
    kind: "operation", depth, above, operation, critical: [], name: operation.action, provider: operation.provider,
    start: operation.start, duration: operation.duration,
  };
}

function lostRow(call, depth, above) {
  return { kind: "lost", depth, above, call, critical: [], name: call.function, provider: null, start: call.start, duration: call.duration };
}
