// Debian's Chromium, driven by playwright-core. CHROMIUM and NODE_MODULES are set by whoever starts the scripts.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.NODE_MODULES}/`);
const { chromium } = require("playwright-core");

/** The source of axe-core. */
export const axe = require.resolve("axe-core/axe.min.js");

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** A browser; close it. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
}

/** The address of a page: a file's path or an address as it is. */
export function addressOf(page) {
  return page.startsWith("http") ? page : pathToFileURL(page).href;
}

/** Opens a page and waits until its scripts are ready; keeps what went wrong and every request. */
export async function open(browser, address, { hash = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const wrong = [];
  const requests = [];
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) wrong.push(message.text()); });
  page.on("pageerror", (error) => wrong.push(error.stack));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(address + (hash ? `#${hash}` : ""));
  await page.waitForFunction(() => document.documentElement.dataset.ready !== undefined);
  return { page, wrong, requests };
}
