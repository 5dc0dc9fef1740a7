// Charts by uPlot, in the colours of the page.

import { themed } from "./colours.js";
import { number } from "./format.js";

/** Options that every chart has: axes in the page's colours. */
export function chartAxis(label, extra = {}) {
  return { label, stroke: () => themed("--soft"), grid: { stroke: () => themed("--grid"), width: 1 }, ticks: { stroke: () => themed("--grid"), width: 1 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 18, labelGap: 0, size: 34, ...extra };
}

/** A chart in an element, as wide as it is; gives uPlot's object. */
export function draw(element, options, columns) {
  const width = Math.max(260, element.clientWidth);
  return new uPlot({ width, cursor: { drag: { x: true, y: false, setScale: false } }, legend: { show: false }, ...options }, columns, element);
}

/** Ticks of a logarithmic axis of ms: only powers of ten and, where there is room, 2 and 5 have a number. */
export function logTicks(chart, splits) {
  const narrow = splits.length > 0 && Math.log10(splits.at(-1) / splits[0]) > 3;
  return splits.map((value) => {
    const first = Number(value.toExponential()[0]);
    return first === 1 || (!narrow && (first === 2 || first === 5)) ? number(value) : "";
  });
}
