// Colours of providers and categories: those of the figures (Okabe and Ito, 2008).

const PROVIDERS = ["aws", "azure", "google", "tinyfaas", "openfaas", "openwhisk", "client"];
const FILLS = ["#e69f00", "#0072b2", "#009e73", "#f0e442", "#d55e00", "#cc79a7", "#56b4e9", "#bbbbbb"];

/** Categories of time, in the order they are drawn. */
export const CATEGORIES = ["compute", "network", "db", "cold", "trigger", "client_network"];

const CATEGORY = {
  compute: { name: "compute", fill: "#0072b2" },
  network: { name: "network", fill: "#e69f00" },
  db: { name: "database", fill: "#f0e442" },
  cold: { name: "cold start", fill: "#d55e00" },
  trigger: { name: "trigger delay", fill: "#cc79a7" },
  client_network: { name: "client network", fill: "#bbbbbb" },
};

/** The colour of a provider; unknown ones get the last of the palette by their name. */
export function providerColour(provider) {
  const place = PROVIDERS.indexOf(provider);
  return place >= 0 ? FILLS[place] : FILLS[7];
}

/** A category's name for people. */
export function categoryName(category) {
  return CATEGORY[category]?.name ?? category;
}

/** A category's colour. */
export function categoryColour(category) {
  return CATEGORY[category]?.fill ?? "#bbbbbb";
}

/** Black or white, whichever has the greater contrast with a colour (WCAG 2.2, relative luminance). */
export function inkOn(colour) {
  const linear = (at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const luminance = 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5);
  return luminance > 0.179 ? "#000000" : "#ffffff";
}

/** A colour of the style sheet as it is now. */
export function themed(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
