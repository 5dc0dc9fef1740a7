// The flame view: mean time on the critical path of a trace, by call path. Widths add up.

import { byId, choice, clip, el, fill } from "./dom.js";
import { CATEGORIES, categoryColour, categoryName, inkOn, providerColour } from "./colours.js";
import { count, ms, percent, signed } from "./format.js";
import { byPath } from "./profile.js";
import { setState, state } from "./state.js";

const LEVEL = 24;
const LEAST_SHARE = 0.0015;

/** Draws a profile; `reference` is what colours by difference compare with. */
export function showFlame(profile, reference, what) {
  const root = byId("flame-view");
  if (profile.n === 0 || profile.top.total <= 0) return fill(root, el("p", { class: "note" }, "There are no critical paths for what is chosen."));
  const nodes = byPath(profile);
  const top = nodes.get(state().flame) ?? profile.top;
  const others = byPath(reference);
  const canvas = el("div", { class: "flame", role: "tree", "aria-label": "Time by call path" });
  const pieces = [];
  const depth = layout(top, 0, 0, 1, top.total, pieces);
  canvas.style.height = `${(depth + 1) * LEVEL}px`;
  for (const piece of pieces) canvas.append(box(piece, top, others));
  canvas.addEventListener("keydown", walk);
  canvas.firstElementChild?.setAttribute("tabindex", "0");
  const back = top === profile.top ? null : el("button", { type: "button", onclick: () => setState({ flame: "" }) }, "Show all");
  fill(root,
    el("div", { class: "controls" }, choice("Colour by", [["provider", "provider and category"], ["difference", `difference to ${what.reference}`]], state().colour, (colour) => setState({ colour })), back),
    el("p", { class: "soft" }, `${what.chosen}: mean over ${count(profile.n)} traces, ${ms(top.total)} a trace. Lowest boxes are the time itself; click a function to enlarge it.`),
    canvas, key());
}

function layout(node, level, left, width, whole, pieces) {
  pieces.push({ node, level, left, width });
  let deepest = level;
  let at = left;
  for (const category of CATEGORIES) {
    const value = node.own[category] ?? 0;
    if (value <= 0) continue;
    const share = value / whole;
    if (share >= LEAST_SHARE) pieces.push({ node, category, value, level: level + 1, left: at, width: share });
    deepest = Math.max(deepest, level + 1);
    at += share;
  }
  for (const child of [...node.children.values()].sort((a, b) => b.total - a.total)) {
    const share = child.total / whole;
    if (share >= LEAST_SHARE) deepest = Math.max(deepest, layout(child, level + 1, at, share, whole, pieces));
    at += Math.max(0, share);
  }
  return deepest;
}

function box({ node, category, value, level, left, width }, top, others) {
  const mine = category ? value : node.total;
  const other = others.get(node.key);
  const theirs = category ? (other?.own[category] ?? 0) : (other?.total ?? 0);
  const name = category ? categoryName(category) : node.name;
  const label = `${category ? `${node.name}, ${name}` : `${name}${node.provider ? `, ${node.provider}` : ""}`}: ${ms(mine)}, ${percent(mine / top.total, 1)}; ${signed(mine - theirs)} against the reference`;
  const colour = state().colour === "difference" ? shade(mine - theirs, top.total) : category ? categoryColour(category) : node.provider ? providerColour(node.provider) : "#9a9a9a";
  const item = el("div", { role: "treeitem", tabindex: "-1", class: category ? "leaf" : "node", title: label, "aria-label": label, "aria-level": level + 1 }, clip(name, 60));
  item.style.left = `${left * 100}%`;
  item.style.width = `calc(${width * 100}% - 1px)`;
  item.style.top = `${level * LEVEL}px`;
  if (category && state().colour !== "difference") item.style.borderBottomColor = colour;
  else {
    item.style.background = colour;
    item.style.color = inkOn(colour);
  }
  if (!category) {
    const enlarge = () => setState({ flame: node.key });
    item.addEventListener("click", enlarge);
    item.addEventListener("keydown", (event) => { if (event.key === "Enter") enlarge(); });
  }
  return item;
}

/** Blue for less, red for more, by the share of the whole that a difference is. */
function shade(difference, whole) {
  const strength = Math.min(1, Math.abs(difference) / whole / 0.2);
  const towards = difference > 0 ? [213, 94, 0] : [0, 114, 178];
  const mixed = towards.map((part) => Math.round(225 + (part - 225) * strength));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

function walk(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const items = [...event.currentTarget.children];
  const next = items[items.indexOf(document.activeElement) + step];
  if (!next) return;
  document.activeElement.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}

function key() {
  if (state().colour === "difference") return el("p", { class: "legend" }, "blue: less than the reference, red: more");
  return el("p", { class: "legend" }, CATEGORIES.slice(0, 5).map((category) => {
    const mark = el("i", { class: "swatch" });
    mark.style.background = categoryColour(category);
    return el("span", {}, mark, categoryName(category));
  }));
}
