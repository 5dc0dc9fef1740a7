// What is shown, in the address: every view has its own hash.

const DEFAULTS = {
  run: "", provider: "", function: "", route: "", cold: "", complete: "", from: "", to: "",
  measure: "root", group: "", lo: "0", hi: "100", b: "", against: "median", trace: "", span: "",
  flame: "", colour: "provider", at: "",
};

const listeners = [];
let current = { ...DEFAULTS };

/** What is shown now. */
export function state() {
  return current;
}

/** The filters of a state: what narrows down everything on the page. */
export const FILTERS = ["run", "provider", "function", "route", "cold", "complete", "from", "to"];

/** Calls a function whenever the state changes, with the names of what changed. */
export function onChange(listener) {
  listeners.push(listener);
}

/** Changes the state and the address; a new entry of the browser's history only where asked for. */
export function setState(patch, remember = false) {
  apply({ ...current, ...patch }, () => {
    const address = `#${encode(current)}`;
    if (remember) history.pushState(null, "", address);
    else history.replaceState(null, "", address);
  });
}

/** The address of the state with a change. */
export function addressOf(patch) {
  return `#${encode({ ...current, ...patch })}`;
}

/** The state as a hash without its sign. */
export function encode(values) {
  const given = Object.entries(values).filter(([key, value]) => key in DEFAULTS && value !== DEFAULTS[key]);
  return new URLSearchParams(given).toString();
}

/** The state of a hash; what it does not name has its default. */
export function decode(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const values = { ...DEFAULTS };
  for (const key of Object.keys(DEFAULTS)) if (given.has(key)) values[key] = given.get(key);
  return values;
}

/** Takes the state from the address, now and whenever the user goes back or forth. */
export function followAddress() {
  current = decode(location.hash);
  window.addEventListener("hashchange", () => apply(decode(location.hash), () => {}));
  window.addEventListener("popstate", () => apply(decode(location.hash), () => {}));
}

function apply(next, write) {
  const changed = Object.keys(next).filter((key) => next[key] !== current[key]);
  if (changed.length === 0) return;
  current = next;
  write();
  for (const listener of listeners) listener(changed);
}
