// Numbers and instants as text.

/** Milliseconds to about three significant digits, with their unit; "n/a" where unknown. */
export function ms(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "n/a";
  const size = Math.abs(value);
  if (size >= 60_000) return `${(value / 60_000).toFixed(1)} min`;
  if (size >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  if (size >= 1000) return `${(value / 1000).toFixed(2)} s`;
  return `${number(value)} ms`;
}

/** A number to about three significant digits. */
export function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "n/a";
  const size = Math.abs(value);
  const text = value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
  const short = text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  return short === "-0" ? "0" : short.replace("-", "−");
}

/** A signed number with its unit. */
export function signed(value) {
  if (value === null || !Number.isFinite(value)) return "n/a";
  return `${value > 0 ? "+" : ""}${ms(value)}`;
}

/** A count with thin groups. */
export function count(value) {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, "\u00a0");
}

/** A percentage. */
export function percent(share, decimals = 0) {
  return Number.isFinite(share) ? `${(share * 100).toFixed(decimals)} %` : "n/a";
}

/** The time of day of an instant in microseconds, UTC. */
export function clock(micros) {
  return Number.isFinite(micros) ? new Date(micros / 1000).toISOString().slice(11, 23) : "n/a";
}
