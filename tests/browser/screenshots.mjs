// Pictures of every view: node screenshots.mjs PAGE FOLDER

import { addressOf, launch, open } from "./browser.mjs";

const VIEWS = [
  ["overview", "", null], ["explore", "lo=90&hi=99", "explore"], ["compare-a-b", "route=GET+%2Fcart&b=route%3DPOST%2B%252Fcheckout", "explore"],
  ["flame", "", "flame"], ["flame-difference", "lo=95&colour=difference", "flame"], ["differences", "lo=95", "difference"],
  ["durations", "", "durations"], ["time", "", "time"], ["completeness", "", "completeness"], ["clocks", "", "clocks"], ["how", "", "how"],
];
const LOOKS = [
  ["light", { colorScheme: "light" }], ["dark", { colorScheme: "dark" }],
  ["phone", { colorScheme: "light", viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true }],
];

const [file, folder] = process.argv.slice(2);
const browser = await launch();
for (const [look, options] of LOOKS) {
  for (const [view, hash, anchor] of VIEWS) {
    const { page } = await open(browser, addressOf(file), { hash, ...options });
    if (anchor) await page.evaluate((id) => document.getElementById(id)?.scrollIntoView({ behavior: "instant" }), anchor);
    await page.waitForTimeout(200);
    await page.screenshot({ path: `${folder}/${view}-${look}.png` });
    await page.context().close();
  }
  const { page } = await open(browser, addressOf(file), { hash: "lo=99", ...options });
  await page.locator("#exemplars a").first().click();
  await page.locator("#trace[open]").waitFor();
  await page.waitForTimeout(200);
  await page.screenshot({ path: `${folder}/trace-${look}.png` });
  await page.context().close();
}
const { page } = await open(browser, addressOf(file));
await page.emulateMedia({ media: "print" });
await page.pdf({ path: `${folder}/print.pdf`, format: "A4", margin: { top: "15mm", bottom: "15mm", left: "12mm", right: "12mm" } });
await browser.close();
