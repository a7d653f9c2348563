CREATE TABLE delivery_inspection (
  task TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  repo TEXT NOT NULL,
  seq BIGINT NOT NULL,
  state TEXT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX delivery_inspection_by_repo ON delivery_inspection (repo, state, seq);
CREATE TABLE delivery_plan (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  repo TEXT NOT NULL,
  model TEXT NOT NULL,
  state TEXT NOT NULL,
  proposed BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX delivery_plan_by_time ON delivery_plan (proposed, id);
CREATE INDEX delivery_plan_by_repo ON delivery_plan (repo, state);
CREATE INDEX delivery_plan_by_model ON delivery_plan (model, state);
CREATE TABLE delivery_flow (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  model TEXT NOT NULL,
  state TEXT NOT NULL,
  version BIGINT NOT NULL,
  commit_id TEXT NOT NULL,
  task TEXT NOT NULL,
  started BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX delivery_flow_by_time ON delivery_flow (started, id);
CREATE INDEX delivery_flow_by_model ON delivery_flow (model, started, id);
CREATE INDEX delivery_flow_by_version ON delivery_flow (model, version);
CREATE INDEX delivery_flow_by_task ON delivery_flow (task);
CREATE TABLE delivery_gate (
  flow TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  model TEXT NOT NULL,
  version BIGINT NOT NULL,
  state TEXT NOT NULL,
  judged BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX delivery_gate_by_version ON delivery_gate (model, version, judged);
CREATE TABLE delivery_rollout (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  endpoint TEXT NOT NULL,
  model TEXT NOT NULL,
  state TEXT NOT NULL,
  started BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX delivery_rollout_by_endpoint ON delivery_rollout (endpoint, started);
CREATE INDEX delivery_rollout_by_model ON delivery_rollout (model, started);
