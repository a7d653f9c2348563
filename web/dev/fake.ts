// A made-up server for drawing the page (`FAKE=1 npm run dev`): a development fixture, never built and never tested against. It has three
// models, each waiting for something else, and a ledger of 100,000 events. Sign in as ada (author), olga (operator) or vera (viewer), any
// password. An approved version rolls out in steps of three seconds.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import type { Approval, Check, Comment, Flow, Gate, LedgerEvent, ModelLine, ModelPage, Plan, Role, Rollout, VersionLine } from "../src/types.ts";

const begun = Date.now();
const at = (minutes_ago: number) => new Date(begun - minutes_ago * 60_000).toISOString();
const now = () => new Date().toISOString();

const check = (kind: string, name: string, state: Check["state"], rest: Partial<Check>): Check => ({ kind, name, state, n: 0, expected: "", seen: "", reason: "", ...rest });
const gate = (flow: string, version: number, state: Gate["state"], mae: number): Gate => ({
  flow, model: "arrival-delay", version, state, judged: at(12),
  checks: [
    check("metric", "metric mae", mae > 18 ? "fail" : "pass", { estimate: mae, low: mae - 0.6, high: mae + 0.7, n: 29_480, expected: "mae at most 18", seen: `mae ${mae}; the script logged ${mae}` }),
    check("better_than", "better_than champion", mae > 18 ? "fail" : "pass", { estimate: 15.9 - mae, low: 15.1 - mae, high: 16.8 - mae, n: 29_480, expected: "mae lower than arrival-delay@2, 95 % sure", seen: `lower by ${(15.9 - mae).toFixed(2)} over 31 days` }),
    check("slices", "slices origin", "pass", {
      estimate: 1.8, n: 29_480, expected: "no origin more than 5 worse", seen: "LGA is 1.8 worse than all",
      evidence: { by: "origin", items: [{ judged: true, value: "EWR", estimate: mae + 0.2, low: mae - 1, high: mae + 1.2, n: 10_210 }, { judged: true, value: "JFK", estimate: mae - 1.9, low: mae - 2.8, high: mae - 0.9, n: 9_870 }, { judged: true, value: "LGA", estimate: mae + 1.8, low: mae + 0.7, high: mae + 2.9, n: 9_400 }] },
    }),
    check("data", "data checks.yaml", "pass", { n: 14, expected: "14 checks accept the training data", seen: "14 of 14" }),
    check("approve", "approve operator", state === "pass" ? "pass" : "waiting", { expected: "1 operator, not the author", seen: state === "pass" ? "olga" : "", reason: state === "pass" ? "" : "waits for an operator who is not ada" }),
  ],
});
const approval = (version: number, state: Approval["state"]): Approval => ({
  id: `a${version}`, what: `let arrival-delay@${version} go live`, subject_kind: "version", subject: `arrival-delay@${version}`, model: "arrival-delay", flow: `f${version}`,
  digests: {}, rule: { by: "operator", not: ["ada"], count: 1 }, state, votes: state === "granted" ? [{ by: "olga", vote: "grant", comment: "LGA looks fine now.", at: at(1400) }] : [],
  asked: at(12), decided: "", reason: "", may_vote: false, why_not: "",
});
const line = (version: number, state: string, share: number, mae: number, rest: Partial<VersionLine> = {}): VersionLine => ({
  name: "arrival-delay", version, state, share, aliases: [], run_id: `${version}f3a9c04d1e24b7f8a6b5c4d3e2f1a0b9`.slice(0, 32), commit: `${version}7be41c9d0a2f`.padEnd(40, "5"), by: "ada",
  created: at(2900 - version * 700), flow: `f${version}`, metrics: { mae, rmse: mae * 1.7, r2: 0.87 }, gate: gate(`f${version}`, version, state === "rejected" ? "fail" : "pass", mae), ...rest,
});
const versions: VersionLine[] = [
  line(4, "waiting", 0, 13.4, { approval: approval(4, "open"), gate: gate("f4", 4, "waiting", 13.4) }),
  line(3, "rejected", 0, 31.2),
  line(2, "live", 100, 15.9, { aliases: ["champion"], approval: approval(2, "granted") }),
  line(1, "retired", 0, 17.1, { approval: approval(1, "granted") }),
];
const flow = (version: number, state: Flow["state"], reason: string): Flow => ({
  id: `f${version}`, model: "arrival-delay", repo: "flights", commit: `${version}7be41c9d0a2f`.padEnd(40, "5"), message: "Deeper trees, and the wind at the origin", set: version === 4 ? { "train.trees": "400" } : {},
  trigger: { kind: "push", by: "ada", event: "e1", what: `push of ${version}7be41c9`, at: "" }, task: "", state, version, approval: `a${version}`, rollout: version === 2 ? "r2" : "", reason, started: at(20), updated: at(12),
  stages: [{ name: "collect", outcome: "cached", seconds: 0 }, { name: "clean", outcome: "cached", seconds: 0 }, { name: "split", outcome: "ran", seconds: 4 }, { name: "train", outcome: "ran", seconds: 131 }], warnings: [],
});
const flows: Record<string, Flow> = { f4: flow(4, "waiting", "waits for an approval by an operator"), f3: flow(3, "rejected", "metric mae: 31.2, expected at most 18"), f2: flow(2, "done", ""), f1: flow(1, "done", "") };
const rollout = (id: string, model: string, from: number, to: number, rest: Partial<Rollout>): Rollout => ({
  id, endpoint: model, model, flow: `f${to}`, from, to, state: "stepping", steps: [5, 25, 100], step: 0, share: 5, rows: 0, rows_needed: 500, errors: 0, p99_ms: 3.1, held_s: 0, hold_s: 600, reason: "", evidence: [], by: "pawl", started: at(9), updated: at(2), ...rest,
});
const rollouts: Record<string, Rollout> = { r2: rollout("r2", "arrival-delay", 1, 2, { state: "done", step: 2, share: 100 }) };
const model = (name: string, live: number, rest: Partial<ModelLine>): ModelLine => ({
  name, endpoint: live ? name : "", repo: "flights", live, newest: live, versions: live, arms: live ? [{ version: live, share: 100, arm: "live" }] : [],
  traffic: { rows: 0, requests: 0, errors: 0, p50_ms: 0, p99_ms: 0, seconds: 300 }, approvals_open: 0, ...rest,
});
const models: ModelLine[] = [
  model("arrival-delay", 2, { newest: 4, versions: 4, approvals_open: 1, flow: flows["f4"]!, traffic: { rows: 18_204, requests: 9_310, errors: 0, p50_ms: 0.4, p99_ms: 2.7, seconds: 300 } }),
  model("taxi-demand", 7, {
    newest: 8, versions: 8, arms: [{ version: 7, share: 75, arm: "live" }, { version: 8, share: 25, arm: "canary" }], traffic: { rows: 2_310_000, requests: 41_000, errors: 12, p50_ms: 1.2, p99_ms: 14.8, seconds: 300 },
    rollout: rollout("r8", "taxi-demand", 7, 8, { step: 1, share: 25, rows: 312, held_s: 451, reason: "waits for 188 predictions and 2 min 29 s" }),
  }),
  model("churn", 0, { newest: 1, versions: 1, flow: { ...flow(1, "training", "stage train, 2 min"), model: "churn" } }),
];
const plan: Plan = {
  id: "p1", repo: "churn", commit: "9c1fe0aa".padEnd(40, "1"), model: "churn", state: "proposed", by: "ada", proposed: at(40), decided: "", approval: "ap1", reason: "",
  changes: [{ path: "pawl.yaml", change: "changed", diff: " gate:\n-  - metric: {name: auc, min: 0.80}\n+  - metric: {name: auc, min: 0.75}\n   - approve: {by: operator, not: author, count: 1}" }],
};
const plan_approval: Approval = { ...approval(1, "open"), id: "ap1", what: "put pawl.yaml of commit 9c1fe0aa in force", subject_kind: "plan", subject: "p1", model: "churn", flow: "", rule: { by: "operator", not: ["ada"], count: 1 } };
const comments: Comment[] = [{ id: "c1", subject_kind: "version", subject: "arrival-delay@4", text: "The trees are deeper, the latency stays at 0.4 ms.\nLGA in the evening is still the weakest slice.", by: "ada", at: at(11) }];

const whats = ["run.ended", "version.made", "gate.judged", "approval.asked", "approval.decided", "rollout.stepped", "flow.waiting", "comment.made"];
const ledger: LedgerEvent[] = Array.from({ length: 100_000 }, (_, i) => event(i + 1, whats[i % whats.length]!, `arrival-delay@${1 + (i % 4)}`, i % 3 ? "pawl" : "ada", at((100_000 - i) * 0.7)));
function event(seq: number, what: string, subject: string, by: string, time: string): LedgerEvent {
  return { seq, id: `e${seq}`, at: time, what, subject: { kind: "version", id: subject }, by, cause: "", flow: `f${1 + (seq % 4)}`, digests: {}, data: { step: seq % 3, state: "pass" }, prev: "0".repeat(64), hash: seq.toString(16).padStart(64, "a") };
}
const listeners = new Set<ServerResponse>();
function tell(what: string, subject: string, by: string) {
  const one = event(ledger.length + 1, what, subject, by, now());
  ledger.push({ ...one, flow: `f${subject.split("@")[1]}` });
  for (const to of listeners) to.write(`event: ledger\ndata: ${JSON.stringify({ seq: one.seq, what })}\n\n`);
}

// An approved version goes live in steps, so that the page can be watched hearing of it.
function roll(version: VersionLine) {
  const top = models[0]!;
  const its = (top.rollout = rollouts["r4"] = rollout("r4", "arrival-delay", 2, 4, { step: -1 }));
  Object.assign(flows["f4"]!, { state: "rolling_out", rollout: "r4", reason: "" });
  const step = () => {
    its.step += 1;
    if (its.step < 3) {
      its.share = its.steps[its.step]!;
      Object.assign(version, { state: its.share === 100 ? "live" : "canary", share: its.share });
      versions[2]!.share = 100 - its.share;
      top.arms = [{ version: 2, share: 100 - its.share, arm: "live" }, { version: 4, share: its.share, arm: "canary" }];
      its.reason = its.share < 100 ? "waits for 188 predictions" : "";
      tell("rollout.stepped", "arrival-delay@4", "pawl");
      setTimeout(step, 3000);
    } else {
      Object.assign(its, { state: "done", step: 2, reason: "" });
      delete top.rollout;
      Object.assign(top, { live: 4, arms: [{ version: 4, share: 100, arm: "live" }] });
      Object.assign(versions[2]!, { state: "retired", aliases: [] });
      version.aliases = ["champion"];
      flows["f4"]!.state = "done";
      tell("flow.done", "arrival-delay@4", "pawl");
    }
  };
  step();
}

const roles: Record<string, Role> = { ada: "scientist", olga: "operator", vera: "viewer" };
let signed_in = process.env["FAKE"] === "local" ? "" : "nobody";

function seen_by(who: string, one: Approval): Approval {
  const role = roles[who] ?? "admin";
  const why_not = one.rule.not.includes(who) ? `${who} is an author of this version; its approval needs somebody else` : role === "scientist" || role === "viewer" ? `an approval by the role operator is needed, ${who} is ${role}` : "";
  return { ...one, may_vote: one.state === "open" && !why_not, why_not };
}

async function answer(request: IncomingMessage, response: ServerResponse, next: () => void) {
  const url = new URL(request.url ?? "/", "http://fake");
  if (!url.pathname.startsWith("/api/pawl/v1/")) return next();
  const path = url.pathname.slice("/api/pawl/v1".length);
  let body = "";
  for await (const piece of request) body += String(piece);
  const sent = body ? JSON.parse(body) : {};
  const say = (value: unknown, status = 200) => {
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(value));
  };
  if (path === "/login") {
    signed_in = sent.name && roles[sent.name] ? sent.name : "nobody";
    return signed_in === "nobody" ? say({ title: "Unauthorized", status: 401, detail: "no such user" }, 401) : say({});
  }
  if (path === "/logout") return (signed_in = "nobody"), say({});
  if (path === "/me" && signed_in === "nobody") return say({ name: "", role: "none", kind: "nobody", sign_in: true });
  if (signed_in === "nobody") return say({ title: "Unauthorized", status: 401, detail: "sign in" }, 401);
  const who = signed_in || "local";
  if (path === "/me") return say({ name: who, role: roles[who] ?? "admin", kind: signed_in ? "person" : "local", sign_in: signed_in !== "" });
  if (path === "/events") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(": hello\n\n");
    listeners.add(response);
    return void request.on("close", () => listeners.delete(response));
  }
  const open = [...versions.flatMap((v) => (v.approval?.state === "open" ? [v.approval] : [])), ...(plan_approval.state === "open" ? [plan_approval] : [])];
  if (path === "/overview") return say({ items: models, approvals: open.map((one) => seen_by(who, one)) });
  if (path.startsWith("/models/")) {
    const found = models.find((one) => one.name === path.slice(8));
    if (!found) return say({ title: "Not Found", status: 404, detail: `no model ${path.slice(8)}` }, 404);
    const mine = found.name === "arrival-delay" ? versions : found.live ? Array.from({ length: found.versions }, (_, i) => ({ ...line(found.versions - i, i === 0 ? "canary" : i === 1 ? "live" : "retired", i === 0 ? 25 : i === 1 ? 75 : 0, 14), name: found.name, flow: "" })) : [];
    return say({ model: found, versions: mine.map((v) => ({ ...v, ...(v.approval && { approval: seen_by(who, v.approval) }) })) } satisfies ModelPage);
  }
  if (path.startsWith("/flows/")) return say(flows[path.slice(7)]);
  if (path.startsWith("/plans/")) return say(plan);
  if (path.startsWith("/rollouts/")) return say(rollouts[path.slice(10)]);
  const voted = /^\/approvals\/(\w+)\/votes$/.exec(path);
  if (voted) {
    const one = [...versions.flatMap((v) => (v.approval ? [v.approval] : [])), plan_approval].find((a) => a.id === voted[1])!;
    one.votes.push({ by: who, vote: sent.vote, comment: sent.comment, at: now() });
    one.state = sent.vote === "grant" ? "granted" : "refused";
    models[0]!.approvals_open = 0;
    tell("approval.decided", one.subject, who);
    if (one === versions[0]!.approval && one.state === "granted") roll(versions[0]!);
    return say(one);
  }
  if (path === "/comments" && request.method === "POST") {
    comments.push({ ...sent, id: `c${comments.length + 1}`, by: who, at: now() });
    tell("comment.made", sent.subject, who);
    return say({});
  }
  if (path === "/comments") return say({ items: comments.filter((one) => one.subject === url.searchParams.get("subject")), next: "" });
  if (path === "/ledger/verify") return say({ whole: true, events: ledger.length, broken_at: 0, reason: "", head: ledger.at(-1)!.hash });
  if (path === "/ledger") {
    const flow_id = url.searchParams.get("flow");
    const what = url.searchParams.get("what") ?? "";
    const after = Number(url.searchParams.get("after") ?? 0);
    const limit = Number(url.searchParams.get("limit") ?? 100);
    const newest = url.searchParams.get("order") === "newest";
    let items = ledger.filter((one) => (!flow_id || one.flow === flow_id) && one.what.startsWith(what) && (newest ? !after || one.seq < after : one.seq > after));
    items = newest ? items.slice(-limit).reverse() : items.slice(0, limit);
    return say({ items, next: items.length === limit ? String(items.at(-1)!.seq) : "" });
  }
  say({ title: "Not Found", status: 404 }, 404);
}

export function fake_api(): Plugin {
  return { name: "fake-api", configureServer: (server) => void server.middlewares.use((request, response, next) => void answer(request, response, next)) };
}
