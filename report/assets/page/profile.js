// Time on critical paths by call path and category, summed over chosen traces.

/** Weight of each trace of each run: Map of run to Float64Array, 0 where it is not among the entries. */
export function weightsOf(entries) {
  const weights = new Map();
  for (const { run, trace } of entries) {
    if (!weights.has(run)) weights.set(run, new Float64Array(run.traces.rows));
    const timed = run.traces.columns.timed_weight[trace];
    weights.get(run)[trace] = Number.isNaN(timed) ? 0 : timed;
  }
  return weights;
}

/** Mean ms a trace by call path and category: { n, roots } with nodes { name, provider, own: {category: ms}, total, children }. */
export function profileOf(entries) {
  const weights = weightsOf(entries);
  const top = { key: "", name: "all traces", provider: null, own: {}, total: 0, children: new Map() };
  let n = 0;
  for (const [run, weight] of weights) {
    n += weight.reduce((sum, value) => sum + value, 0);
    const nodes = nodesOf(run, top);
    const { trace, path, category, time } = run.own.columns;
    for (let row = 0; row < run.own.rows; row += 1) {
      const factor = weight[trace[row]];
      const name = category.values[category.codes[row]];
      if (!factor || name === "client_network") continue;
      const node = nodes[path[row]];
      node.own[name] = (node.own[name] ?? 0) + (factor * time[row]) / 1000;
    }
  }
  sumUp(top, n || 1);
  return { n, top };
}

function nodesOf(run, top) {
  const { parent, function: names, provider } = run.paths.columns;
  const nodes = [];
  for (let row = 0; row < run.paths.rows; row += 1) {
    const above = Number.isNaN(parent[row]) ? top : nodes[parent[row]];
    const [name, of] = [names.values[names.codes[row]], provider.codes[row] < 0 ? null : provider.values[provider.codes[row]]];
    const key = `${above.key}/${name}@${of ?? "?"}`;
    if (!above.children.has(key)) above.children.set(key, { key, name, provider: of, own: {}, total: 0, children: new Map() });
    nodes.push(above.children.get(key));
  }
  return nodes;
}

function sumUp(node, n) {
  node.total = 0;
  for (const category of Object.keys(node.own)) {
    node.own[category] /= n;
    node.total += node.own[category];
  }
  for (const child of node.children.values()) node.total += sumUp(child, n);
  return node.total;
}

/** Mean ms a trace by function and category: Map of "function @ provider / category" to ms. */
export function byFunction({ top }) {
  const sums = new Map();
  const visit = (node) => {
    for (const [category, value] of Object.entries(node.own)) {
      const key = JSON.stringify([node.name, node.provider ?? "missing", category]);
      sums.set(key, (sums.get(key) ?? 0) + value);
    }
    for (const child of node.children.values()) visit(child);
  };
  for (const child of top.children.values()) visit(child);
  return sums;
}

/** Every node by its key, for looking up the same path in another profile. */
export function byPath({ top }) {
  const found = new Map();
  const visit = (node) => {
    found.set(node.key, node);
    for (const child of node.children.values()) visit(child);
  };
  visit(top);
  return found;
}
