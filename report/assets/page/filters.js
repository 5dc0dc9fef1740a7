// The filters: they narrow the explorer, the flame view, the charts, the tables and, by run, the figures.

import { byId, choice, el, fill } from "./dom.js";
import { FILTERS, setState, state } from "./state.js";

/** Draws the bar of filters; `names` has what there is to choose from. */
export function showFilters(names) {
  const now = state();
  const all = (values) => [["", "all"], ...values.map((value) => [value, value])];
  const seconds = (label, key) => el("label", { class: "field short" }, el("span", {}, label), el("input", { type: "number", min: 0, step: "any", id: `filter-${key}`, value: now[key], placeholder: key === "from" ? "begin" : "end", onchange: (event) => setState({ [key]: event.target.value }) }));
  const active = FILTERS.some((key) => now[key] !== "");
  const focused = document.activeElement?.id;
  fill(byId("filters"),
    names.runs.length > 1 ? choice("Run", all(names.runs), now.run, (run) => setState({ run })) : null,
    names.providers.length > 1 ? choice("Provider", all(names.providers), now.provider, (provider) => setState({ provider })) : null,
    names.functions.length > 1 ? choice("Function", all(names.functions), now.function, (value) => setState({ function: value })) : null,
    names.routes.length > 1 ? choice("Route", all(names.routes), now.route, (route) => setState({ route })) : null,
    choice("Cold starts", [["", "all"], ["cold", "cold only"], ["warm", "warm only"]], now.cold, (cold) => setState({ cold })),
    seconds("From second", "from"), seconds("to", "to"),
    el("label", { class: "check" }, el("input", { type: "checkbox", id: "filter-complete", checked: now.complete !== "", onchange: (event) => setState({ complete: event.target.checked ? "1" : "" }) }), "complete only"),
    active ? el("button", { type: "button", class: "quiet", id: "filter-reset", onclick: () => setState(Object.fromEntries(FILTERS.map((key) => [key, ""]))) }, "Reset") : null);
  if (focused) byId(focused)?.focus();
}

/** What there is to choose from, over all runs. */
export function namesOf(setup, runs) {
  const collect = (of) => [...new Set(runs.flatMap(of))].sort();
  return {
    runs: setup.runs.map((run) => run.id),
    providers: collect((run) => run.traces.columns.providers.values.flatMap((value) => value.split("+"))).filter(Boolean),
    functions: collect((run) => run.invocations.columns.function.values),
    routes: collect((run) => run.traces.columns.route.values),
  };
}
