CREATE TABLE ledger (
  seq BIGINT PRIMARY KEY,
  id TEXT NOT NULL,
  at BIGINT NOT NULL,
  project_id TEXT NOT NULL DEFAULT 'default',
  what TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject_id TEXT NOT NULL,
  by_whom TEXT NOT NULL,
  cause TEXT NOT NULL,
  flow TEXT NOT NULL,
  digests TEXT NOT NULL,
  data TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
);
CREATE UNIQUE INDEX ledger_by_id ON ledger (id);
CREATE INDEX ledger_by_what ON ledger (what, seq);
CREATE INDEX ledger_by_subject ON ledger (subject_id, seq);
CREATE INDEX ledger_by_flow ON ledger (flow, seq);
