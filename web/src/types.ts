// What the server says, as far as the page shows it: src/delivery/types.h, src/monitoring/{types,shown}.h, src/team/types.h, src/serving/types.h,
// src/pipeline/types.h and src/store/ledger.h in TypeScript. Times are RFC 3339 text, durations seconds, shares percent (of an endpoint's arms and
// of windows: of 1), versions numbers (0: none). Absent optional members are not sent.

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
  trigger: {
    kind: "push" | "data" | "hand" | "version" | "drift" | "performance";
    by: string;
    event: string;
    what: string;
    at: string; // drift, performance: the end of the window that alarmed
  };
  state: FlowState;
  version: number;
  task: string; // the job that works for it now
  approval: string;
  rollout: string;
  reason: string;
  started: string;
  updated: string;
  stages: StageRun[];
  warnings: string[];
  gate?: Gate; // only in the answer about one flow
}
export interface Task {
  id: string;
  kind: "inspect" | "pipeline" | "evaluate";
  flow: string;
  state: string; // queued, leased, done, dead, …
  runner: string;
  created: string;
  error: string;
  attempts: number;
}
export interface LogText {
  text: string;
  next: number; // hand it back as `from`
}

// What one rule of `rollback_when` has seen of a rollout's step (docs/rollouts.md).
export interface RuleSeen {
  rule: "error_rate" | "p99_ms" | "prediction_shift" | "worse_than_live";
  state: CheckState;
  seen?: Real;
  limit?: Real;
  live?: Real;   // worse_than_live: the metric of each arm
  canary?: Real;
  p?: Real;
  level?: Real;  // p counts when it is at most this
  n: number;
  n_live: number;
  looks: number;
  note: string;
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
  evidence: RuleSeen[];
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
  mentions: string[];
}

// Where a version comes from.
export interface DatasetUse {
  role: string; // train, test, other
  path: string;
  digest: string;
  size: number;
  rows: number;
  time_min: string;
  time_max: string;
}
export interface Origin {
  model: string;
  version: number;
  registered_by: string;
  flow: string;
  commit: string;
  message: string;
  set: Record<string, string>;
  datasets: DatasetUse[];
  params: Record<string, string>;
  metrics: Record<string, Real>;
}

// What an arm did in this step of its rollout.
export interface Tally {
  rows: number;
  requests: number;
  errors: number;
  refused: number;
  p50_ms: Real;
  p99_ms: Real;
  first: string;
  last: string;
}
export interface EndpointArm {
  version: number;
  share: number; // of 1
  arm: "live" | "canary" | "direct";
  ready: boolean;
  tally: Tally;
}
export interface Endpoint {
  name: string;
  model: string;
  replay: boolean;
  ready: boolean;
  arms: EndpointArm[];
  rollout: string;
  created: string;
  predictions: number;
}

export interface Monitor {
  endpoint: string;
  model: string;
  version: number;
  window: string;
  lateness: string;
  test: string;
  share: number;
  metric?: string;
  worse_by: number;
  previous: number;
}
export interface ColumnSeen {
  name: string;
  kind: "number" | "text";
  role: "feature" | "output";
  test: string;
  measure: string;
  statistic?: Real;
  p?: Real;
  q?: Real;
  distance?: Real;
  limit?: Real;
  psi?: Real;
  n: number;
  missing: number;
  unseen: number;
  tested: boolean;
  drifted: boolean;
  note: string;
}
export interface Measured {
  metric: string;
  value?: Real;
  low?: Real;
  high?: Real;
  n: number;
  note: string;
}
export interface VersionSeen {
  version: number;
  rows: number;
  labelled: number;
  metrics: Measured[];
}
export interface PerformanceSeen {
  watched: Measured;
  reference?: Real;
  limit?: Real;
  worse: boolean;
  mature: boolean;
  metrics: Measured[];
  versions: VersionSeen[];
  previous?: VersionSeen; // the version before, scored on the rows that the live one answered
  gain?: Measured;        // how much better the live one did on them
  slices: { by: string; value: string; measured: Measured; judged: boolean }[];
}
export interface WindowSeen {
  id: string;
  endpoint: string;
  model: string;
  start: string;
  end: string; // the first moment after it
  state: "closed" | "recomputed";
  closed: string;
  version: number;
  rows: number;
  labelled: number;
  late: number;
  columns: ColumnSeen[];
  outputs: ColumnSeen[];
  tested: number;
  drifted: number;
  share: number; // of 1
  note: string;
  performance?: PerformanceSeen;
}
// Shares of both distributions in one bin; each adds up to 1.
export interface Bin {
  label: string;
  low?: Real;
  high?: Real;
  reference: number;
  current: number;
}
export interface Alarm {
  id: string;
  endpoint: string;
  model: string;
  version: number;
  kind: "column" | "drift" | "performance";
  column: string; // performance: the metric
  state: string;
  statistic?: Real;
  limit?: Real;
  opened: string;
  closed: string; // empty: it is open
  window: string;
  window_end: string;
  reason: string;
  acknowledged_by: string;
  silenced_until: string;
  event: string;
}
// Data of alarm.opened, alarm.continued and alarm.closed.
export interface AlarmTold {
  kind: Alarm["kind"];
  column: string;
  columns: string[];
  statistic?: Real;
  limit?: Real;
  reason: string;
}
export interface MonitorSeen {
  monitor: Monitor;
  next_start: string;
  next_end: string;
  watermark: string;
  rows: number;
  labelled: number;
  open: Alarm[];
  last?: WindowSeen;
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
// An event with what led to it and what came of it, in the ledger's order.
export interface StoryOf {
  events: LedgerEvent[];
  whole: boolean;
}
