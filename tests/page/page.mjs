// Drives the page as a person would, in a real headless Chromium: `node page.mjs '{"url": …}'`, called by test_page.py. Each step says what is
// true after it; the first that is not ends the run with exit code 1.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { card, end, fits, given, open, shot, step, tab_to } from "./driver.mjs";

const train_ms_max = 180_000; // a flow starts, trains and is judged; on a busy machine
const title = (page) => page.locator(".version > .title");

async function sign_in(page, name) {
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(given.passwords[name]);
  await page.keyboard.press("Enter");
  await page.getByRole("banner").getByText(name, { exact: true }).waitFor();
  await page.getByText("live", { exact: true }).first().waitFor(); // it hears the server
}

async function infer(rows) {
  const inputs = [{ name: "x", shape: [rows, 1], datatype: "FP32", data: Array.from({ length: rows }, (_, i) => i) }];
  const answer = await fetch(`${given.url}/v2/models/double/infer`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${given.tokens.olga}` },
    body: JSON.stringify({ inputs }),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
}

const olga = await open("light");
const ada = await open("dark");

await step("a wrong password is refused with a reason, the right one signs in", async () => {
  await olga.goto(given.url);
  await shot(olga, "sign-in");
  await olga.getByLabel("Name").fill("olga");
  await olga.getByLabel("Password").fill("wrong");
  await olga.keyboard.press("Enter");
  await olga.getByRole("alert").filter({ hasText: "do not belong together" }).waitFor();
  await sign_in(olga, "olga");
  await olga.evaluate(() => (window.not_reloaded = true));
});

await step("a token signs in as well", async () => {
  await ada.goto(given.url);
  await ada.getByRole("button", { name: "Use a token" }).click();
  await ada.getByLabel("Token").fill(given.tokens.ada);
  await ada.keyboard.press("Enter");
  await ada.getByRole("banner").getByText("ada", { exact: true }).waitFor();
});

await step("the operator reads what a plan changes and puts it in force", async () => {
  await olga.getByRole("link", { name: /Approvals/ }).click();
  const plan = card(olga, "Plan for double");
  await plan.getByText("approve: {by: operator").waitFor({ timeout: 60_000 });
  await shot(olga, "plan");
  await plan.getByRole("button", { name: "Approve" }).click();
  await olga.getByText("Nothing waits for approval.").waitFor();
});

await step("the flow's version appears by itself, with its evidence", async () => {
  await ada.getByRole("option", { name: /double/ }).click({ timeout: 60_000, position: { x: 500, y: 10 } });
  await title(ada).getByText("double@1").waitFor({ timeout: train_ms_max });
  const gate = card(ada, "Gate");
  await gate.getByText("metric mae").waitFor({ timeout: train_ms_max });
  await gate.getByRole("row", { name: /^pass metric mae/ }).waitFor();
});

await step("its flow is found among the flows, and tells what its runner printed", async () => {
  await ada.getByRole("link", { name: "Flows", exact: true }).click();
  await ada.getByLabel("Model").selectOption("double");
  await ada.waitForURL(/model=double/);
  await ada.getByRole("option", { name: /double@1/ }).click({ position: { x: 500, y: 10 } });
  await ada.getByRole("heading", { name: "Flows / double" }).waitFor();
  const log = card(ada, "Log");
  await log.getByRole("log").getByText("python train.py").waitFor();
  await log.getByRole("button", { name: "evaluate" }).click();
  await log.getByRole("log", { name: "Log: evaluate" }).waitFor();
  await card(ada, "Flow").getByRole("link", { name: "what led to it" }).click();
  await card(ada, "What led to it, and what came of it").getByText(/version\.made|flow\.queued/).first().waitFor();
  await ada.goBack();
  await ada.getByRole("link", { name: "double@1" }).click();
  await title(ada).getByText("double@1").waitFor();
});

await step("its author may not approve it and is told why", async () => {
  await card(ada, "Approval").getByText(/author/).last().waitFor({ timeout: train_ms_max });
  assert.equal(await ada.getByRole("button", { name: "Approve" }).count(), 0);
  await shot(ada, "author-dark");
});

await step("without a mouse: the operator finds the version, reads it, approves it with a comment", async () => {
  await tab_to(olga, olga.getByRole("link", { name: "Models", exact: true }));
  await olga.keyboard.press("Enter");
  await olga.getByRole("option", { name: /double/ }).waitFor();
  await tab_to(olga, olga.getByRole("listbox", { name: "Models" }));
  await olga.keyboard.press("ArrowDown");
  await olga.keyboard.press("Enter");
  await title(olga).getByText("double@1").waitFor();
  const approval = card(olga, "Approval");
  await approval.getByLabel("Comment").waitFor({ timeout: 60_000 });
  await tab_to(olga, approval.getByLabel("Comment"));
  await olga.keyboard.type("Error well below the limit.");
  await shot(olga, "approve");
  await tab_to(olga, approval.getByRole("button", { name: "Approve" }));
  await olga.keyboard.press("Enter");
  await approval.getByText("The approval is granted.").waitFor();
  await approval.getByText("Error well below the limit.").waitFor();
});

await step("both see it go live without loading the page again", async () => {
  for (const page of [olga, ada]) {
    await title(page).getByText("live", { exact: true }).waitFor({ timeout: 60_000 });
    await title(page).getByText("champion").waitFor();
    await title(page).getByText("100 % of the traffic").waitFor();
  }
  assert.equal(await olga.evaluate(() => window.not_reloaded), true);
  await shot(ada, "live-dark");
});

await step("a comment reaches the other at once", async () => {
  await ada.getByLabel("Your comment").fill("Thank you, @olga.\n<b>Live</b> at last.");
  await ada.keyboard.press("Control+Enter");
  await card(olga, "Comments").getByText("<b>Live</b> at last.").waitFor();
  await card(olga, "Comments").locator(".mention", { hasText: "@olga" }).waitFor();
});

await step("a second version moves in by steps, and the page shows what the rollout waits for", async () => {
  const params = join(given.work, "params.yaml");
  writeFileSync(params, readFileSync(params, "utf8").replace("2.0", "2.001"));
  for (const words of [["commit", "-q", "-am", "A little more"], ["push", "-q", "origin", "main"]]) execFileSync("git", ["-C", given.work, ...words], { stdio: "pipe" });
  await olga.getByRole("option", { name: /^2/ }).click({ timeout: train_ms_max });
  await card(olga, "Approval").getByRole("button", { name: "Approve" }).click({ timeout: train_ms_max });
  const rollout = card(olga, "Rollout");
  await rollout.getByText("of 20").waitFor({ timeout: 60_000 });
  await rollout.getByRole("row", { name: /^Error rate/ }).waitFor();
  const beside = card(olga, "Beside the champion");
  await beside.getByRole("link", { name: "double@1" }).waitFor();
  await beside.getByRole("row", { name: /^mae \(judged\) [\d.]+ [\d.]+ [+-]?[\d.]+/ }).waitFor();
  await title(olga).getByText("canary", { exact: true }).waitFor();
  await shot(olga, "rollout");
  const live = title(olga).getByText("live", { exact: true }).waitFor({ timeout: 60_000 });
  let done = false;
  void live.then(() => (done = true), () => (done = true));
  while (!done) await infer(2); // one request an arm: both get some
  await live;
  await olga.getByRole("option", { name: /^1 retired/ }).waitFor();
});

await step("the overview tells of the traffic", async () => {
  await olga.getByRole("link", { name: "Models", exact: true }).click();
  const row = olga.getByRole("option", { name: /double/ });
  await row.getByText("version 2").waitFor();
  await row.getByText(/\d+ predictions/).waitFor();
  await shot(olga, "overview");
});

await step("the operator rolls back from the endpoint's page, with a reason", async () => {
  await olga.getByRole("link", { name: "Endpoints", exact: true }).click();
  await olga.getByRole("option", { name: /^double/ }).click({ position: { x: 500, y: 10 } });
  await card(olga, "Traffic").getByRole("row", { name: /^double@2 live 100 %/ }).waitFor();
  await olga.getByText(/^Watched in windows of 7d against the training data of version 2/).waitFor();
  await tab_to(olga, olga.getByRole("button", { name: "Roll back…" }));
  await olga.keyboard.press("Enter");
  await olga.locator("input:focus").waitFor();
  await olga.keyboard.type("A drill.");
  await olga.keyboard.press("Enter");
  await card(olga, "Traffic").getByRole("row", { name: /^double@1 live 100 %/ }).waitFor();
  await card(olga, "What happened").getByText(/by hand: A drill\./).first().waitFor();
});

await step("a step that holds is ended from the endpoint's page, with a reason and without a mouse", async () => {
  const api = (path, body) =>
    fetch(`${given.url}/api/pawl/v1${path}`, { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${given.tokens.olga}` }, body: JSON.stringify(body) });
  const started = await api("/deployments", { model: "double", version: 2 });
  assert.equal(started.status, 200, await started.clone().text());
  await card(olga, "Traffic").getByRole("row", { name: /^double@2 canary 50 %/ }).waitFor(); // no traffic: it would hold for ever
  await tab_to(olga, olga.getByRole("button", { name: "Next step…" }));
  await olga.keyboard.press("Enter");
  await olga.locator("input:focus").waitFor();
  await shot(olga, "promote");
  await olga.keyboard.type("Nobody asks at night.");
  await olga.keyboard.press("Enter");
  await card(olga, "Traffic").getByRole("row", { name: /^double@2 live 100 %/ }).waitFor();
  await card(olga, "What happened").getByText(/by hand: Nobody asks at night\./).first().waitFor();
  await olga.getByRole("button", { name: "Next step…" }).waitFor({ state: "detached" });
  assert.equal((await api("/endpoints/double/promote", { reason: "again" })).status, 409);
});

await step("the ledger reads on as it is scrolled, holds few rows in the page, and its chain is whole", async () => {
  for (let i = 0; i < 450; ++i) {
    const answer = await fetch(`${given.url}/api/pawl/v1/comments`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${given.tokens.ada}` },
      body: JSON.stringify({ subject_kind: "model", subject: "double", text: `Number ${i}` }),
    });
    assert.equal(answer.status, 200);
  }
  await ada.getByRole("link", { name: "Ledger", exact: true }).click();
  const list = ada.getByRole("listbox", { name: "Events" });
  await list.getByRole("option").first().click({ position: { x: 20, y: 10 } });
  await shot(ada, "ledger-dark");
  await list.focus();
  const first = list.getByRole("option", { name: /^1 / });
  while (!(await first.count())) { // a page more with each press, down to the first event of all
    const known = await list.getByRole("option").first().getAttribute("aria-setsize");
    await ada.keyboard.press("End");
    await ada.waitForFunction((before) => {
      const row = document.querySelector('[role="listbox"] [role="option"]:last-child');
      return row.getAttribute("aria-setsize") !== before || row.firstElementChild.textContent === "1";
    }, known);
  }
  await first.waitFor();
  assert.ok((await list.getByRole("option").count()) < 80);
  await ada.getByRole("button", { name: "Verify the chain" }).click();
  await ada.getByText(/The chain of [\d,]+ events is whole\./).waitFor();
});

await step("a narrow window shows every page, and the way to each", () => fits(olga, "", "models/double", "endpoints", "endpoints/double", "flows", "approvals", "ledger"));

await step("after signing out nothing is left to see", async () => {
  await ada.getByRole("button", { name: "Sign out" }).click();
  await ada.getByLabel("Name").waitFor();
  await ada.reload();
  await ada.getByLabel("Name").waitFor();
});

await end();
