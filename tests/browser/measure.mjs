// Load time, size and memory of a page: node measure.mjs PAGE [TIMES]. Prints medians as JSON.

import { stat } from "node:fs/promises";
import { addressOf, launch, open } from "./browser.mjs";

const [file, times = "5"] = process.argv.slice(2);
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const found = { ready_ms: [], filter_ms: [], trace_ms: [], heap_mb: [] };
const browser = await launch();
for (let time = 0; time < Number(times); time += 1) {
  const { page } = await open(browser, addressOf(file));
  found.ready_ms.push(Number(await page.evaluate(() => document.documentElement.dataset.ready)));
  found.filter_ms.push(await page.evaluate(async () => {
    const begin = performance.now();
    document.querySelector("#filter-complete").click();
    await new Promise((done) => { requestAnimationFrame(() => setTimeout(done)); });
    return performance.now() - begin;
  }));
  found.trace_ms.push(await page.evaluate(async () => {
    const begin = performance.now();
    document.querySelector("#exemplars a").click();
    while (!document.getElementById("trace").open) await new Promise((done) => { setTimeout(done, 1); });
    return performance.now() - begin;
  }));
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  await session.send("Performance.enable");
  const { metrics } = await session.send("Performance.getMetrics");
  found.heap_mb.push(metrics.find(({ name }) => name === "JSHeapUsedSize").value / 1e6);
  await page.context().close();
}
await browser.close();
const medians = Object.fromEntries(Object.entries(found).map(([name, values]) => [name, Number(median(values).toFixed(1))]));
const size_mb = file.startsWith("http") ? null : Number(((await stat(file)).size / 1e6).toFixed(2));
process.stdout.write(`${JSON.stringify({ size_mb, ...medians })}\n`);
