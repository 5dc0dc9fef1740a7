// Draws the rows of a waterfall on a canvas.

import { clip } from "./dom.js";
import { categoryColour, inkOn, providerColour, themed } from "./colours.js";
import { number } from "./format.js";

/** Height of a row and of the axis, in CSS pixels. */
export const ROW_HEIGHT = 26;
export const AXIS_HEIGHT = 24;

/** Colour of database operations: of no provider. */
export const OPERATION = "#7d8794";

/** Draws the visible rows; `view` is { from, to } in ms since the begin, `top` the scroll position. */
export function drawWaterfall(canvas, model, view, { top, selected, hovered }) {
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  const x = (micros) => (((micros - model.begin) / 1000 - view.from) / (view.to - view.from)) * width;
  const pen = { context, x, width, hatch: hatching(context) };
  const first = Math.max(0, Math.floor(top / ROW_HEIGHT));
  const last = Math.min(model.rows.length, Math.ceil((top + height) / ROW_HEIGHT));
  grid(pen, view, height);
  for (let place = first; place < last; place += 1) {
    const y = AXIS_HEIGHT + place * ROW_HEIGHT - top;
    if (place === selected || place === hovered) {
      context.fillStyle = themed(place === selected ? "--selected" : "--hover");
      context.fillRect(0, y, width, ROW_HEIGHT);
    }
    drawRow(pen, model.rows[place], y);
  }
  axis(pen, view);
}

function drawRow(pen, row, y) {
  const { context, x } = pen;
  const [top, tall] = [y + 5, ROW_HEIGHT - 11];
  if (row.call && row.call.duration !== null) hollow(pen, x(row.call.start), x(row.call.start + row.call.duration * 1000), top + 3, tall - 6, row.kind === "lost");
  if (row.call?.kind === "async" && Number.isFinite(row.call.start)) delay(pen, x(row.call.start), x(row.start), y + ROW_HEIGHT / 2 - 1);
  if (row.kind === "lost" || !Number.isFinite(row.start)) return critical(pen, row, y);
  const end = row.start + (row.duration ?? 0) * 1000;
  const [left, right] = [x(row.start), Math.max(x(end), x(row.start) + 1.5)];
  const colour = row.kind === "operation" ? OPERATION : providerColour(row.provider);
  context.fillStyle = colour;
  context.fillRect(left, top, right - left, tall);
  context.strokeStyle = themed("--bar-edge");
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, Math.max(0.5, right - left - 1), tall - 1);
  if (row.duration === null) openEnd(pen, left, top, tall);
  uncertainty(pen, row, left, right, top, tall);
  critical(pen, row, y);
  caption(pen, row, left, right, top + tall / 2, colour);
}

function hollow({ context }, left, right, top, tall, lost) {
  context.strokeStyle = themed(lost ? "--bad" : "--soft");
  context.setLineDash(lost ? [4, 3] : []);
  context.lineWidth = 1;
  context.strokeRect(left + 0.5, top + 0.5, Math.max(1, right - left - 1), tall - 1);
  context.setLineDash([]);
}

function delay({ context }, from, to, y) {
  context.strokeStyle = categoryColour("trigger");
  context.lineWidth = 2;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(from, y);
  context.lineTo(to, y);
  context.stroke();
  context.setLineDash([]);
}

function openEnd({ context }, left, top, tall) {
  context.strokeStyle = themed("--bad");
  context.setLineDash([2, 2]);
  context.strokeRect(left + 0.5, top + 0.5, 40, tall - 1);
  context.setLineDash([]);
}

/** Hatches what the uncertainty between the caller's and the callee's clock leaves open at both ends. */
function uncertainty(pen, row, left, right, top, tall) {
  const bound = row.call?.uncertainty ?? null;
  if (bound === null || bound <= 0) return;
  const wide = Math.abs(pen.x(row.start + bound * 1000) - pen.x(row.start));
  if (wide < 1) return;
  pen.context.fillStyle = pen.hatch;
  for (const at of [left, right]) pen.context.fillRect(at - wide, top - 2, 2 * wide, tall + 4);
}

function hatching(context) {
  const tile = document.createElement("canvas");
  tile.width = 6;
  tile.height = 6;
  const pen = tile.getContext("2d");
  pen.strokeStyle = themed("--hatch");
  pen.lineWidth = 1.2;
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat");
}

function critical({ context, x }, row, y) {
  context.fillStyle = themed("--critical");
  for (const segment of row.critical) {
    const left = x(segment.start);
    context.fillRect(left, y + ROW_HEIGHT - 5, Math.max(1, x(segment.start + segment.duration * 1000) - left), 3);
  }
}

function caption({ context, width }, row, left, right, y, colour) {
  const text = `${row.span?.cold ? "❄ " : ""}${clip(row.name, 40)} ${row.duration === null ? "no end" : `${number(row.duration)} ms`}`;
  const wide = context.measureText(text).width;
  const inside = right - left > wide + 8;
  const place = inside ? Math.max(left, 0) + 4 : right + 6;
  const at = inside || place + wide < width ? place : left - wide - 6;
  if (at < 0) return;
  // A ground of its own keeps the text readable over hatches and lines.
  context.fillStyle = inside ? colour : themed("--ground");
  context.fillRect(at - 2, y - 8, wide + 4, 15);
  context.fillStyle = inside ? inkOn(colour) : themed("--ink");
  context.fillText(text, at, y);
}

/** Round steps for an axis of that length. */
export function stepsOf(from, to, most) {
  const raw = (to - from) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= raw) ?? raw;
  const steps = [];
  for (let at = Math.ceil(from / step) * step; at <= to && steps.length < 100; at += step) steps.push(at);
  return steps;
}

function grid({ context, width }, view, height) {
  context.fillStyle = themed("--grid");
  for (const at of stepsOf(view.from, view.to, width / 90)) context.fillRect(Math.round(((at - view.from) / (view.to - view.from)) * width), 0, 1, height);
}

function axis({ context, width }, view) {
  context.fillStyle = themed("--ground");
  context.fillRect(0, 0, width, AXIS_HEIGHT);
  context.fillStyle = themed("--soft");
  for (const at of stepsOf(view.from, view.to, width / 90)) {
    const place = ((at - view.from) / (view.to - view.from)) * width;
    const text = `${number(at)} ms`;
    const wide = context.measureText(text).width;
    context.fillText(text, Math.min(Math.max(0, place + 3), width - wide), AXIS_HEIGHT / 2);
  }
  context.fillStyle = themed("--rule");
  context.fillRect(0, AXIS_HEIGHT - 1, width, 1);
}
