// What a reader can do with the page: node checks.mjs CHECK PAGE. Ends with 1 and says why where a check fails.

import assert from "node:assert/strict";
import { addressOf, axe, launch, open } from "./browser.mjs";

const n = async (page, curve = "a") => Number((await page.locator(`.figures-of th.curve-${curve} ~ td.n`).first().textContent()).replace(/\s/g, ""));
const shownRows = (page, id) => page.locator(`#${id} table.sortable`).first().locator("tbody tr:visible").count();
const canvasIsDrawn = (page) => page.locator("canvas.bars").evaluate((canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, at) => at % 4 !== 3 && value > 30 && value < 225);
});

const CHECKS = {
  async views(browser, address) {
    const { page, wrong, requests } = await open(browser, address);
    for (const id of ["overview", "explore", "flame", "difference", "durations", "time", "cold", "network", "completeness", "clocks", "load", "how"]) {
      await page.locator(`nav a[data-at="${id}"]`).click();
      assert.equal(await page.locator(`#${id}`).isVisible(), true, id);
    }
    assert.ok((await page.locator(".flame > div").count()) > 10, "the flame view has boxes");
    assert.ok((await page.locator("#differences tbody tr").count()) > 3, "differences are listed");
    assert.ok((await page.locator("#seconds-view canvas").count()) > 0, "completeness by second is drawn");
    assert.ok((await page.locator("#clocks-view canvas").count()) > 0, "offsets of clocks are drawn");
    assert.ok((await page.locator(".figure svg").count()) >= 5, "figures stand in the page");
    await page.locator("#explore select").first().selectOption("duration");
    assert.ok((await n(page)) > 1000, "invocations have a distribution");
    await page.locator(".flame > .node").nth(1).click();
    assert.match(page.url(), /flame=/);
    await page.locator("th button.sort").first().click();
    await page.locator("#theme").click();
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    assert.deepEqual(wrong, []);
    const others = requests.filter((url) => !url.startsWith(address.split("#")[0]) && !url.startsWith("data:"));
    assert.deepEqual(others, []);
  },

  async mouse(browser, address) {
    const { page, wrong } = await open(browser, address);
    const over = await page.locator(".chart .u-over").first().boundingBox();
    await page.locator(".chart").first().scrollIntoViewIfNeeded();
    const box = await page.locator(".chart .u-over").first().boundingBox();
    assert.ok(over && box);
    await page.mouse.move(box.x + box.width * 0.82, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.97, box.y + 60, { steps: 5 });
    await page.mouse.up();
    assert.match(page.url(), /lo=\d/, "a drag chooses a band");
    await page.locator("#exemplars a").first().click();
    await page.locator("#trace[open]").waitFor();
    assert.ok((await page.locator("#trace [role=treeitem]").count()) >= 1);
    assert.equal(await canvasIsDrawn(page), true, "bars are drawn");
    const bars = await page.locator("canvas.bars").boundingBox();
    await page.mouse.move(bars.x + 40, bars.y + 35);
    assert.match(await page.locator(".span-details").textContent(), /duration/);
    const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Perfetto" }).click()]);
    const chunks = [];
    for await (const chunk of await saved.createReadStream()) chunks.push(chunk);
    const events = JSON.parse(Buffer.concat(chunks).toString()).traceEvents;
    assert.ok(events.some((event) => event.ph === "X" && event.dur > 0));
    await page.getByRole("button", { name: "Close" }).click();
    assert.equal(await page.locator("#trace[open]").count(), 0);
    assert.doesNotMatch(page.url(), /trace=/);
    assert.deepEqual(wrong, []);
  },

  async keyboard(browser, address) {
    const { page, wrong } = await open(browser, address, { hash: "lo=90", permissions: ["clipboard-read", "clipboard-write"] });
    await page.keyboard.press("?");
    await page.locator("#help[open]").waitFor();
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.id), "search");
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press("j");
    await page.locator("#trace[open]").waitFor();
    const first = new URL(page.url()).hash;
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.locator("#trace [role=treeitem]").nth(1).getAttribute("aria-selected"), "true");
    for (const key of ["+", "ArrowRight", "-", "0"]) await page.keyboard.press(key);
    await page.keyboard.press("c");
    await page.waitForFunction(() => document.getElementById("announce").textContent.includes("JSON"));
    const copied = JSON.parse(await page.evaluate(() => navigator.clipboard.readText()));
    assert.ok(copied.invocations.length > 0 && copied.critical_path.length > 0);
    await page.keyboard.press("j");
    await page.waitForFunction((before) => location.hash !== before && location.hash.includes("trace="), first);
    await page.keyboard.press("k");
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !document.getElementById("trace").open);
    await page.locator("#search").fill(copied.context_id);
    await page.keyboard.press("Enter");
    await page.locator("#trace[open]").waitFor();
    assert.ok(page.url().includes(copied.context_id));
    assert.deepEqual(wrong, []);
  },

  async filters(browser, address) {
    const { page, wrong } = await open(browser, address);
    const whole = await n(page);
    const rows = await shownRows(page, "cold");
    await page.getByLabel("Provider", { exact: true }).selectOption("google");
    assert.ok((await n(page)) < whole, "fewer traces");
    assert.ok((await shownRows(page, "cold")) < rows, "fewer rows");
    await page.getByLabel("Cold starts", { exact: true }).selectOption("cold");
    const cold = await n(page);
    await page.getByLabel("Cold starts", { exact: true }).selectOption("warm");
    const warm = await n(page);
    await page.getByLabel("Cold starts", { exact: true }).selectOption("");
    assert.equal(cold + warm, await n(page), "cold and warm are all");
    await page.getByRole("button", { name: "Reset" }).click();
    assert.equal(await n(page), whole);
    await page.locator("#filter-complete").check();
    assert.ok((await n(page)) <= whole);
    await page.getByRole("button", { name: "Reset" }).click();
    await page.locator("#filter-to").fill("30");
    await page.locator("#filter-to").press("Enter");
    assert.ok((await n(page)) < whole, "a time range");
    await page.locator("#pin").click();
    assert.ok((await n(page, "b")) < whole);
    await page.getByRole("button", { name: "Reset" }).click();
    assert.equal(await n(page), whole);
    assert.ok((await n(page, "b")) < whole, "B stays as it was");
    await page.locator("#difference select").selectOption("b");
    assert.match(await page.locator("#difference-view").textContent(), /B [\d.]+ m?s/);
    assert.deepEqual(wrong, []);
  },

  async address(browser, address) {
    const first = await open(browser, address);
    await first.page.getByLabel("Provider", { exact: true }).selectOption("aws");
    await first.page.locator("#explore select").nth(1).selectOption("GET /cart");
    await first.page.locator("#band-lo").fill("50");
    await first.page.locator("#band-lo").press("Enter");
    await first.page.locator("#exemplars a").nth(1).click();
    await first.page.locator("#trace[open]").waitFor();
    await first.page.keyboard.press("ArrowDown");
    const hash = new URL(first.page.url()).hash.slice(1);
    const title = await first.page.locator("#trace .trace-head").textContent();
    const second = await open(browser, address, { hash });
    await second.page.locator("#trace[open]").waitFor();
    assert.equal(await second.page.locator("#trace .trace-head").textContent(), title);
    assert.equal(await second.page.locator("#trace [role=treeitem]").nth(1).getAttribute("aria-selected"), "true");
    assert.equal(await n(second.page), await n(first.page));
    assert.equal(await second.page.locator("#band-lo").inputValue(), "50");
    await second.page.keyboard.press("Escape");
    await first.page.goBack();
    await first.page.waitForFunction(() => !document.getElementById("trace").open);
    assert.deepEqual([...first.wrong, ...second.wrong], []);
  },

  async accessibility(browser, address) {
    for (const colorScheme of ["light", "dark"]) {
      const { page } = await open(browser, address, { colorScheme });
      await page.addScriptTag({ path: axe }).catch(() => null);
      if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(await (await import("node:fs/promises")).readFile(axe, "utf8"));
      const serious = async () => {
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        return violations.filter(({ impact }) => ["serious", "critical"].includes(impact)).map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ html }) => html.slice(0, 160)).join(" | ")}`);
      };
      assert.deepEqual(await serious(), [], `${colorScheme} page`);
      await page.locator("#exemplars a").first().click();
      await page.locator("#trace[open]").waitFor();
      assert.deepEqual(await serious(), [], `${colorScheme} trace`);
    }
  },

  async hostile(browser, address) {
    const { page, wrong } = await open(browser, address);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("img").count(), 0);
    const text = await page.locator("body").innerText();
    assert.ok(text.includes("</script><img src=x onerror=window.hacked=1>"), "the name stands there as text");
    assert.ok(!text.includes("\u202e"), "direction characters are written out");
    const name = await page.locator("#filters option").filter({ hasText: "onerror" }).first().getAttribute("value");
    await page.getByLabel("Function", { exact: true }).selectOption(name);
    await page.locator("#exemplars a").first().click();
    await page.locator("#trace[open]").waitFor();
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("img").count(), 0);
    assert.deepEqual(wrong, []);
  },

  async phone(browser, address) {
    const { page, wrong } = await open(browser, address, { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true });
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(overflow <= 0, `the page is ${overflow} pixels wider than the phone`);
    await page.locator("#exemplars a").first().tap();
    await page.locator("#trace[open]").waitFor();
    assert.equal(await canvasIsDrawn(page), true);
    assert.deepEqual(wrong, []);
  },
};

const [check, file] = process.argv.slice(2);
const browser = await launch();
try {
  await CHECKS[check](browser, addressOf(file));
} finally {
  await browser.close();
}
