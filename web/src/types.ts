// What the server says, as far as the page shows it: src/delivery/types.h, src/team/types.h and store/ledger.h in TypeScript. Times are
// RFC 3339 text, durations seconds, shares percent, versions numbers (0: none). Absent optional members are not sent.

export interface List<T> {
  items: T[];
  next: string;
}

// RFC 9457.
export interface Problem {
  title: string;
  status: number;
  detail?: string;
  field?: string;
}

export type Role = "none" | "viewer" | "scientist" | "operator" | "admin";
export interface Me {
  name: string;
  role: Role;
  kind: string;
  sign_in: boolean; // false: no users yet, every caller is a local admin
}

export type CheckState = "pass" | "fail" | "inconclusive" | "empty" | "error" | "waiting";
// A described double also comes as "NaN", "Infinity" or "-Infinity".
export type Real = number | "NaN" | "Infinity" | "-Infinity";

export interface Check {
  name: string;
  kind: string;
  state: CheckState;
  estimate?: Real;
  low?: Real;
  high?: Real;
  n: number;
  expected: string;
  seen: string;
  reason: string;
  evidence?: unknown;
}

export interface Gate {
  flow: string;
  model: string;
  version: number;
  state: CheckState;
  judged: string;
  digests?: unknown;
  checks: Check[];
}

export interface Vote {
  by: string;
  vote: "grant" | "refuse";
  comment: string;
  at: string;
}
export interface Rule {
  by: Role;
  not: string[];
  count: number;
}
export interface Approval {
  id: string;
  what: string;
  subject_kind: string; // version, plan
  subject: string;
  model: string;
  flow: string;
  digests: unknown;
  rule: Rule;
  state: "open" | "granted" | "refused" | "void";
  votes: Vote[];
  asked: string;
  decided: string;
  reason: string;
  may_vote: boolean;
  why_not: string;
}

export interface FileChange {
  path: string;
  change: string; // added, changed, removed
  diff: string;   // lines, each with '+', '-' or ' ' before it
}
export interface Plan {
  id: string;
  repo: string;
  commit: string;
  model: string;
  state: "proposed" | "in_force" | "replaced" | "rejected";
  by: string;
  proposed: string;
  decided: string;
  approval: string;
  reason: string;
  changes: FileChange[];
}

export interface StageRun {
  name: string;
  outcome: string; // ran, cached, skipped
  seconds: number;
}
export type FlowState =
  | "queued" | "training" | "judging" | "waiting" | "rolling_out"
  | "done" | "rejected" | "failed" | "superseded" | "nothing_new" | "stopped";
export interface Flow {
  id: string;
  model: string;
  repo: string;
  commit: string;
  message: string;
  set: Record<string, string>;
  trigger: { kind: "push" | "data" | "hand" | "version"; by: string; event: string; what: string };
  state: FlowState;
  version: number;
  approval: string;
  rollout: string;
  reason: string;
  started: string;
  updated: string;
  stages: StageRun[];
  warnings: string[];
}

export interface Rollout {
  id: string;
  endpoint: string;
  model: string;
  flow: string;
  from: number;
  to: number;
  state: "preparing" | "stepping" | "done" | "rolled_back" | "failed";
  steps: number[];
  step: number;
  share: number;
  rows: number;
  rows_needed: number;
  errors: number;
  p99_ms: Real;
  held_s: number;
  hold_s: number;
  reason: string;
  by: string;
  started: string;
  updated: string;
}

// What the endpoint has answered since its last step; `seconds` from the first to the last of it.
export interface Traffic {
  rows: number;
  requests: number;
  errors: number;
  p50_ms: Real;
  p99_ms: Real;
  seconds: number;
}
export interface Arm {
  version: number;
  share: number;
  arm: "live" | "canary";
}
export interface ModelLine {
  name: string;
  endpoint: string;
  repo: string;
  live: number;
  newest: number;
  versions: number;
  arms: Arm[];
  traffic: Traffic;
  rollout?: Rollout;
  flow?: Flow;
  approvals_open: number;
}
export interface Overview {
  items: ModelLine[];
  approvals: Approval[];
}
export interface VersionLine {
  name: string;
  version: number;
  state: string; // live, canary, waiting, judging, rejected, failed, superseded, retired, registered
  share: number;
  aliases: string[];
  run_id: string;
  commit: string;
  by: string;
  created: string;
  flow: string;
  metrics: Record<string, Real>;
  gate?: Gate;
  approval?: Approval;
}
export interface ModelPage {
  model: ModelLine;
  versions: VersionLine[];
}

export interface Comment {
  id: string;
  subject_kind: string;
  subject: string;
  text: string;
  by: string;
  at: string;
}

export interface LedgerEvent {
  seq: number;
  id: string;
  at: string;
  what: string;
  subject: { kind: string; id: string };
  by: string;
  cause: string;
  flow: string;
  digests: unknown;
  data: unknown;
  prev: string;
  hash: string;
}
export interface ChainState {
  whole: boolean;
  events: number;
  broken_at: number;
  reason: string;
  head: string;
}
