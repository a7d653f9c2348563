// An endpoint that is watched, as the page shows it: windows close while somebody looks, an alarm opens, is read and acknowledged without a mouse.
// `node watched.mjs '{"url": …}'`, called by test_watched.py.
import assert from "node:assert/strict";
import { card, end, fits, given, open, shot, step, tab_to } from "./driver.mjs";

const day_ms = 86_400_000;
const monday = Date.UTC(2013, 2, 4);
const closes_ms_max = 60_000; // the watch looks each second; on a busy machine

async function api(path, body) {
  const answer = await fetch(given.url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

// y = 2a + 3b + 1; a and b spread evenly over a normal distribution, as near to it as so few rows can be.
async function send(from, days, shift = 0) {
  const out = [];
  for (let d = 0; d < days; ++d) {
    const spread = (by, wave) => Array.from({ length: 40 }, (_, i) => by + Math.sqrt(-2 * Math.log((i + 0.5) / 40)) * wave(2 * Math.PI * (0.618034 * i + 0.37 * d)));
    const tensor = (name, data) => ({ name, shape: [data.length, 1], datatype: "FP32", data });
    const said = await api("/v2/models/e/infer", {
      inputs: [tensor("a", spread(shift, Math.cos)), tensor("b", spread(0, Math.sin))],
      parameters: { event_time: new Date(monday + (from + d) * day_ms).toISOString() },
    });
    said.parameters.prediction_ids.forEach((id, i) => out.push({ prediction_id: id, label: said.outputs[0].data[i] + 3 }));
  }
  return out;
}

const page = await open("light");
let first = [];

await step("an endpoint is opened from the list without a mouse", async () => {
  await page.goto(given.url);
  await tab_to(page, page.getByRole("link", { name: "Endpoints", exact: true }));
  await page.keyboard.press("Enter");
  await page.getByRole("option", { name: /^e / }).waitFor();
  await tab_to(page, page.getByRole("listbox", { name: "Endpoints" }));
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Endpoints / e" }).waitFor();
  await page.getByText("No window has closed yet.").waitFor();
  await page.evaluate(() => (window.not_reloaded = true));
});

await step("windows close while somebody looks, and the one that drifted shows its alarm", async () => {
  first = await send(0, 7);
  await send(7, 7, 2);
  await send(15, 1);
  const alarms = card(page, "Alarms");
  await alarms.getByText("2 open").waitFor({ timeout: closes_ms_max });
  await alarms.getByRole("listitem", { name: "Alarm: drift of the endpoint" }).getByText("firing").waitFor();
  await alarms.getByRole("listitem", { name: "Alarm: column a" }).getByText("against a limit of").waitFor();
  const drift = card(page, "Drift");
  await drift.getByText("1 of 2 columns drifted").waitFor();
  await drift.getByRole("row", { name: /^a drifted/ }).waitFor();
  await drift.getByRole("row", { name: /^b quiet/ }).waitFor();
  assert.equal(await page.evaluate(() => window.not_reloaded), true);
});

await step("the two distributions of a column open and close by keyboard", async () => {
  const drift = card(page, "Drift");
  await tab_to(page, drift.getByRole("button", { name: "a", exact: true }));
  await page.keyboard.press("Enter");
  const figure = drift.getByRole("figure", { name: "a: the reference beside 11 Mar – 17 Mar 2013" });
  await figure.locator("svg rect.reference").first().waitFor();
  const high = (name) => figure.locator(`svg rect.${name}`).evaluateAll((bars) => bars.map((bar) => Number(bar.getAttribute("height"))));
  const [reference, current] = [await high("reference"), await high("current")];
  const middle = (bars) => bars.reduce((sum, height, i) => sum + i * height, 0) / bars.reduce((sum, height) => sum + height, 0);
  assert.ok(middle(current) > middle(reference) + 2, `${middle(reference)} ${middle(current)}`); // what came lies further right
  const chart = drift.getByRole("img", { name: /^Distance of a from the reference over 2 windows/ });
  await chart.locator("canvas").waitFor();
  await chart.getByText("11 Mar – 17 Mar 2013").waitFor(); // the window that is looked at
  await shot(page, "watched");
  await page.emulateMedia({ colorScheme: "dark" });
  await chart.locator("canvas").waitFor();
  await shot(page, "watched-dark");
  await page.keyboard.press("Enter");
  await figure.waitFor({ state: "detached" });
});

await step("the window before is one key away, and was quiet", async () => {
  await tab_to(page, page.getByRole("button", { name: "The window before" }));
  await page.keyboard.press("Enter");
  await card(page, "Drift").getByText("0 of 2 columns drifted").waitFor();
});

await step("labels that come late are seen as they are counted", async () => {
  await api("/api/pawl/v1/endpoints/e/labels", { labels: first.slice(0, 200) });
  const performance = card(page, "Performance");
  await performance.getByText("over its limit").waitFor({ timeout: closes_ms_max });
  await performance.getByRole("row", { name: /^mae 3 / }).waitFor();
  await performance.locator("canvas").waitFor();
  await page.getByText("280 rows, 200 labelled").waitFor();
});

await step("an alarm is acknowledged and silenced without a mouse", async () => {
  const alarm = card(page, "Alarms").getByRole("listitem", { name: "Alarm: drift of the endpoint" });
  await tab_to(page, alarm.getByRole("button", { name: "Acknowledge" }));
  await page.keyboard.press("Enter");
  await alarm.getByText(/acknowledged by local/).waitFor();
  await alarm.getByLabel("Silence").selectOption("for a day");
  await alarm.getByText(/silent until/).waitFor();
  await tab_to(page, alarm.getByRole("button", { name: "Hear again" }));
  await page.keyboard.press("Enter");
  await alarm.getByLabel("Silence").waitFor();
});

await step("its story tells the window that led to it", async () => {
  await card(page, "Alarms").getByRole("listitem", { name: "Alarm: drift of the endpoint" }).getByRole("link", { name: "its story" }).click();
  const story = card(page, "What led to it, and what came of it");
  await story.getByText(/11 Mar – 17 Mar 2013: 1 of 2 columns drifted/).waitFor();
  await story.getByText(/drift of a: 0.5 against 0.5/).waitFor();
  assert.match(await story.getByRole("link").first().innerText(), /window\.closed/);
  await shot(page, "story-dark");
});

await step("the ledger is filtered by what, about what and by whom", async () => {
  await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Ledger" }).click();
  const list = page.getByRole("listbox", { name: "Events" });
  const whats = () => list.getByRole("option").evaluateAll((rows) => rows.map((row) => row.children[2].textContent));
  await list.getByRole("option", { name: /alarm\.acknowledged/ }).waitFor();
  const all = await whats();
  await page.getByLabel("About", { exact: true }).fill("e");
  await page.getByLabel("By", { exact: true }).fill("local");
  await page.waitForURL(/about=e&by=local/);
  await list.getByRole("option", { name: /window\.closed/ }).first().waitFor({ state: "detached" });
  const mine = await whats();
  assert.ok(mine.includes("alarm.acknowledged") && mine.length < all.length, mine.join());
  await page.getByLabel("By", { exact: true }).fill("nobody");
  await page.getByText("No such event.").waitFor();
  await page.getByLabel("By", { exact: true }).fill("");
  await page.locator("main header").getByLabel("Events").selectOption("windows");
  await list.getByRole("option", { name: /window\.closed/ }).first().waitFor();
  assert.ok((await whats()).every((what) => what.startsWith("window.")));
});

await step("a narrow window shows a watched endpoint whole", () => fits(page, "endpoints/e"));

await end();
