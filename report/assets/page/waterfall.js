// A trace: its spans as a tree that can be focused and as bars on a canvas, with details of the one chosen.

import { announce, byId, clip, download, el, fill } from "./dom.js";
import { clock, count, ms, number, percent } from "./format.js";
import { categoryColour, categoryName, providerColour } from "./colours.js";
import { flagAt, msAt, textAt } from "./frame.js";
import { AXIS_HEIGHT, OPERATION, ROW_HEIGHT, drawWaterfall } from "./drawing.js";
import { traceAsJson, traceEvents } from "./formats.js";
import { rowsOf } from "./tree.js";

const PARTS = ["compute", "network", "db", "cold"];

/** A text for screen readers only. */
function heard(text) {
  return text === "" ? null : el("span", { class: "heard" }, ` ${text} `);
}

/** The dialog that shows one trace at a time. */
export class Waterfall {
  constructor({ onclose, onstep, onspan }) {
    this.dialog = byId("trace");
    this.callbacks = { onclose, onstep, onspan };
    this.dialog.addEventListener("close", () => onclose());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.observer = new ResizeObserver(() => this.draw());
  }

  get open() {
    return this.dialog.open;
  }

  /** Shows a trace; `parts` is null where the page does not hold its spans. */
  show(run, row, parts, span) {
    const traces = run.traces.columns;
    this.trace = {
      run: run.id, context_id: textAt(traces.context, row), entry_route: textAt(traces.route, row), start_us: traces.start[row],
      client_ms: msAt(traces.client, row), root_ms: msAt(traces.root, row), compute_ms: msAt(traces.compute, row), network_ms: msAt(traces.network, row),
      db_ms: msAt(traces.db, row), cold_ms: msAt(traces.cold, row), trigger_ms: msAt(traces.trigger, row), complete: flagAt(traces.complete, row), issues: textAt(traces.issues, row),
    };
    this.parts = parts;
    this.model = parts ? rowsOf(parts) : { rows: [], begin: 0, length: 1 };
    this.view = { from: 0, to: this.model.length * 1.02 };
    this.selected = Math.min(Math.max(0, Number(span) || 0), Math.max(0, this.model.rows.length - 1));
    this.hovered = -1;
    this.build();
    if (!this.dialog.open) this.dialog.showModal();
    this.observer.observe(this.canvas);
    this.select(this.selected, true);
    announce(`Trace ${this.trace.context_id}, ${this.model.rows.length} spans`);
  }

  close() {
    if (this.dialog.open) this.dialog.close();
  }

  build() {
    this.tree = el("div", { class: "spans", role: "tree", "aria-label": "Spans" }, this.model.rows.map((row, place) => this.item(row, place)));
    this.canvas = el("canvas", { class: "bars", "aria-hidden": "true" });
    this.details = el("div", { class: "span-details", "aria-live": "polite" });
    this.scroller = el("div", { class: "waterfall", onscroll: () => this.draw() }, el("div", { class: "labels" }, el("div", { class: "axis-corner" }, `${count(this.model.rows.length)} spans`), this.tree), this.canvas);
    this.listen();
    const body = this.parts
      ? [this.legend(), this.scroller, this.details]
      : [el("p", { class: "note" }, "The page holds the times of this trace but not its spans: it was left out of the sample. See it whole with"), el("pre", {}, `faaslens inspect ${this.trace.context_id} --store STORE`), el("p", { class: "note" }, "or explore the whole store with faaslens serve.")];
    fill(this.dialog, this.head(), this.summary(), ...body);
  }

  head() {
    const button = (text, title, onclick) => el("button", { type: "button", title, onclick }, text);
    return el("header", { class: "trace-head" },
      el("div", {}, el("h2", { id: "trace-title" }, clip(this.trace.entry_route ?? "trace", 80)), el("p", { class: "soft" }, `${this.trace.context_id} · ${this.trace.run} · ${clock(this.trace.start_us)} UTC`)),
      el("div", { class: "buttons" },
        button("‹ k", "Previous trace of the list (k)", () => this.callbacks.onstep(-1)),
        button("j ›", "Next trace of the list (j)", () => this.callbacks.onstep(1)),
        this.parts && button("Copy JSON", "Copy the trace as JSON (c)", () => this.copy()),
        this.parts && button("Perfetto", "Save in the trace event format, for ui.perfetto.dev (p)", () => this.save()),
        button("Close", "Close (Escape)", () => this.close())));
  }

  summary() {
    const trace = this.trace;
    const known = PARTS.map((part) => [part, trace[`${part}_ms`]]).filter(([, value]) => value > 0);
    const sum = known.reduce((total, [, value]) => total + value, 0);
    const bar = el("div", { class: "stack", "aria-hidden": "true" }, known.map(([part, value]) => {
      const piece = el("span", { title: `${categoryName(part)} ${ms(value)}` });
      piece.style.width = `${(value / sum) * 100}%`;
      piece.style.background = categoryColour(part);
      return piece;
    }));
    const facts = [["client", trace.client_ms], ["root", trace.root_ms], ...known, ...(trace.trigger_ms === null ? [] : [["trigger", trace.trigger_ms]])];
    return el("div", { class: "trace-summary" },
      el("dl", {}, facts.map(([name, value]) => el("div", {}, el("dt", {}, name in trace ? name : categoryName(name)), el("dd", {}, ms(value), sum > 0 && PARTS.includes(name) ? el("small", {}, ` ${percent(value / sum)}`) : null)))),
      bar, trace.complete === false ? el("p", { class: "bad" }, `Not complete: ${trace.issues ?? "something is missing"}`) : null);
  }

  legend() {
    const providers = [...new Set(this.model.rows.map((row) => row.provider).filter(Boolean))].sort();
    const swatch = (name, colour, kind) => {
      const mark = el("i", { class: `swatch ${kind}` });
      if (colour) mark.style.background = colour;
      return el("span", {}, mark, name);
    };
    return el("p", { class: "legend", "aria-hidden": "true" }, providers.map((provider) => swatch(clip(provider, 30), providerColour(provider), "")), swatch("database", OPERATION, ""),
      swatch("call, seen by its caller", null, "call"), swatch("critical path", null, "critical"), swatch("clock uncertainty", null, "hatch"), el("span", {}, "❄ cold start"));
  }

  item(row, place) {
    const mark = el("i", { class: "swatch" });
    mark.style.background = row.kind === "operation" ? OPERATION : row.provider ? providerColour(row.provider) : "transparent";
    const item = el("div", { class: `span-row ${row.kind}`, role: "treeitem", tabindex: place === this.selected ? 0 : -1, "aria-level": row.depth + 1, "aria-selected": "false" },
      mark, heard(row.kind === "operation" ? "database" : ""), el("span", { class: "span-name" }, clip(row.name, 60)), heard(row.provider ?? "missing"),
      row.span?.cold ? el("span", { class: "cold-mark", "aria-hidden": "true" }, "❄") : null, heard(row.span?.cold ? "cold start" : ""),
      el("span", { class: "span-time" }, row.duration === null ? "no end" : number(row.duration)), heard(`${row.duration === null ? "" : "ms"}${row.critical.length > 0 ? ", on the critical path" : ""}`));
    item.style.paddingLeft = `${6 + Math.min(row.depth, 12) * 12}px`;
    item.addEventListener("click", () => this.select(place, true));
    item.addEventListener("focus", () => this.select(place, false));
    return item;
  }

  listen() {
    let from = null;
    const at = (event) => event.clientX - this.canvas.getBoundingClientRect().left;
    const time = (pixels) => this.view.from + (pixels / this.canvas.clientWidth) * (this.view.to - this.view.from);
    const place = (event) => Math.floor((event.clientY - this.canvas.getBoundingClientRect().top - AXIS_HEIGHT + this.scroller.scrollTop) / ROW_HEIGHT);
    this.canvas.addEventListener("pointerdown", (event) => { from = at(event); });
    this.canvas.addEventListener("pointermove", (event) => {
      const hovered = place(event);
      if (hovered !== this.hovered) {
        this.hovered = hovered;
        this.describe(this.model.rows[hovered] ?? this.model.rows[this.selected]);
        this.draw();
      }
    });
    this.canvas.addEventListener("pointerleave", () => { this.hovered = -1; this.draw(); });
    this.canvas.addEventListener("pointerup", (event) => {
      const to = at(event);
      if (from !== null && Math.abs(to - from) > 8) this.zoomTo(time(Math.min(from, to)), time(Math.max(from, to)));
      else if (this.model.rows[place(event)]) this.select(place(event), true);
      from = null;
    });
    this.canvas.addEventListener("dblclick", () => this.zoomTo(0, this.model.length * 1.02));
    this.canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
      event.preventDefault();
      this.zoom(event.deltaY < 0 || event.deltaX < 0 ? 0.8 : 1.25, time(at(event)));
    }, { passive: false });
  }

  zoom(factor, around = (this.view.from + this.view.to) / 2) {
    this.zoomTo(around - (around - this.view.from) * factor, around + (this.view.to - around) * factor);
  }

  zoomTo(from, to) {
    const least = Math.max(this.model.length * 1e-5, 0.002);
    if (to - from < least) return;
    this.view = { from: Math.max(-this.model.length * 0.05, from), to: Math.min(this.model.length * 1.1, to) };
    this.draw();
  }

  pan(share) {
    const by = (this.view.to - this.view.from) * share;
    if (this.view.from + by < -this.model.length * 0.05 || this.view.to + by > this.model.length * 1.1) return;
    this.view = { from: this.view.from + by, to: this.view.to + by };
    this.draw();
  }

  select(place, focus) {
    const items = this.tree.children;
    if (!items[place]) return;
    items[this.selected]?.setAttribute("aria-selected", "false");
    items[this.selected]?.setAttribute("tabindex", "-1");
    this.selected = place;
    items[place].setAttribute("aria-selected", "true");
    items[place].setAttribute("tabindex", "0");
    if (focus) items[place].focus({ preventScroll: false });
    this.describe(this.model.rows[place]);
    this.callbacks.onspan(place);
    this.draw();
  }

  describe(row) {
    if (!row) return;
    const { span, call } = row;
    const facts = [
      ["span", row.kind === "operation" ? `database ${row.name} of ${row.operation.function}` : row.name],
      ["provider", row.provider], ["route", span?.route], ["executor", span?.executor], ["trigger", span?.trigger],
      ["start", Number.isFinite(row.start) ? `${number((row.start - this.model.begin) / 1000)} ms (${clock(row.start)})` : null],
      ["duration", row.duration === null ? "no end" : ms(row.duration)],
      ["own compute", span && ms(span.compute)], ["in calls", span && ms(span.network)], ["in database", span && ms(span.db)],
      ["call, at the caller", call && call.duration !== null ? ms(call.duration) : null],
      ["network, round trip", call && call.network !== null ? ms(call.network) : null],
      ["request / response", call && call.request !== null ? `${ms(call.request)} / ${ms(call.response)}` : null],
      ["trigger delay", call && call.trigger !== null ? ms(call.trigger) : null],
      ["publisher", call && call.publisher !== null ? ms(call.publisher) : null],
      ["clock uncertainty", call?.uncertainty != null ? `± ${ms(call.uncertainty)}` : null],
      ["clock shifted by", span?.shift != null ? ms(span.shift) : null],
      ["cold start", span ? { true: "yes", false: "no", null: "unknown" }[String(span.cold)] : null],
      ["on the critical path", row.critical.length > 0 ? ms(row.critical.reduce((sum, segment) => sum + segment.duration, 0)) : "no"],
      ["issues", span?.issues], ["note", row.kind === "lost" ? "the callee is missing in the logs" : null],
    ];
    fill(this.details, el("dl", {}, facts.filter(([, value]) => value !== null && value !== undefined && value !== "").map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, clip(value, 160))))));
  }

  draw() {
    if (!this.parts || !this.canvas.isConnected) return;
    drawWaterfall(this.canvas, this.model, this.view, { top: this.scroller.scrollTop, selected: this.selected, hovered: this.hovered });
  }

  async copy() {
    const text = traceAsJson(this.trace, this.parts);
    try {
      await navigator.clipboard.writeText(text);
      announce("Copied as JSON");
    } catch {
      download(`${this.trace.context_id}.json`, "application/json", text);
      announce("The browser does not let the page copy: saved as a file instead");
    }
  }

  save() {
    download(`${this.trace.context_id}.perfetto.json`, "application/json", traceEvents(this.trace.context_id, this.model));
    announce("Saved. Open it in ui.perfetto.dev or chrome://tracing");
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const actions = {
      ArrowDown: () => this.select(this.selected + 1, true), ArrowUp: () => this.select(this.selected - 1, true),
      Home: () => this.select(0, true), End: () => this.select(this.model.rows.length - 1, true),
      ArrowLeft: () => this.pan(-0.15), ArrowRight: () => this.pan(0.15),
      "+": () => this.zoom(0.7), "=": () => this.zoom(0.7), "-": () => this.zoom(1.4), 0: () => this.zoomTo(0, this.model.length * 1.02),
      j: () => this.callbacks.onstep(1), k: () => this.callbacks.onstep(-1), c: () => this.parts && this.copy(), p: () => this.parts && this.save(),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    event.stopPropagation();
    actions[event.key]();
  }
}
