// What the page's tests share: the browser, what no page of ours may cause, and the steps.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";

const { chromium } = createRequire(new URL("../../web/", import.meta.url))("playwright-core");
export const given = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});

// What no page of ours may cause: errors (a refused script or style is one) and requests to anybody else. Refusals the test provokes are counted.
const wrong = [];
export async function open(colorScheme) {
  const context = await browser.newContext({ colorScheme, viewport: { width: 1280, height: 900 } });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (line) => line.type() === "error" && !/status of 401/.test(line.text()) && wrong.push(`console: ${line.text()}`));
  page.on("request", (request) => new URL(request.url()).origin === given.url || wrong.push(`asked ${request.url()}`));
  return page;
}

export async function step(name, work) {
  const begin = performance.now();
  try {
    await work();
  } catch (problem) {
    await Promise.all(browser.contexts().map((context, i) => context.pages()[0]?.screenshot({ path: join(given.shots, `failed-${i}.png`), fullPage: true })));
    console.log(`FAILED ${name}\n${problem.stack}\n${wrong.join("\n")}\nscreenshots: ${given.shots}`);
    await browser.close();
    process.exit(1);
  }
  console.log(`ok ${name} (${((performance.now() - begin) / 1000).toFixed(1)} s)`);
}

export const shot = (page, name) => page.screenshot({ path: join(given.shots, `${name}.png`) });
export const card = (page, name) => page.getByRole("region", { name, exact: true });

// Tab, as a person without a mouse would, until the focus is there.
export async function tab_to(page, target) {
  for (let i = 0; i < 60; ++i) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`60 times Tab did not reach ${target}`);
}

// In a window as wide as a telephone: the page is no wider, and the way to every other page is in sight.
export async function fits(page, ...places) {
  const width = 400;
  await page.setViewportSize({ width, height: 900 });
  for (const place of places) {
    await page.goto(`${given.url}/#/${place}`);
    await page.getByRole("heading", { level: 1 }).first().waitFor();
    await page.waitForFunction(() => ![...document.querySelectorAll(".empty")].some((line) => line.textContent === "…"));
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width, `#/${place} is wider than its window`);
    for (const link of await page.getByRole("navigation", { name: "Pages" }).getByRole("link").all()) {
      const box = await link.boundingBox();
      assert.ok(box && box.x >= 0 && box.x + box.width <= width, `#/${place}: ${await link.innerText()} lies outside`);
    }
  }
}

// Nothing may have gone wrong on the way.
export async function end() {
  await step("no error, no refused script or style, and nobody else was asked", () => assert.deepEqual(wrong, []));
  await browser.close();
}
