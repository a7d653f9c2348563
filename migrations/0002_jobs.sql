CREATE TABLE job (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  flow TEXT NOT NULL,
  unique_key TEXT NOT NULL,
  state TEXT NOT NULL,
  epoch BIGINT NOT NULL,
  attempts BIGINT NOT NULL,
  attempts_max BIGINT NOT NULL,
  holder TEXT NOT NULL,
  run_at BIGINT NOT NULL,
  lease_until BIGINT NOT NULL,
  created BIGINT NOT NULL,
  result TEXT NOT NULL,
  error TEXT NOT NULL
);
CREATE INDEX job_by_due ON job (state, kind, run_at);
CREATE INDEX job_by_flow ON job (flow, created);
CREATE INDEX job_by_key ON job (kind, unique_key, state);

-- How far a reader of the ledger has come.
CREATE TABLE ledger_cursor (
  name TEXT PRIMARY KEY,
  seq BIGINT NOT NULL
);

-- When a recurring tick is due next: one server of several takes it.
CREATE TABLE tick (
  name TEXT PRIMARY KEY,
  next_at BIGINT NOT NULL
);
