CREATE TABLE approval (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  what TEXT NOT NULL,
  subject_kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  model TEXT NOT NULL,
  flow TEXT NOT NULL,
  digests TEXT NOT NULL,
  rule TEXT NOT NULL,
  state TEXT NOT NULL,
  asked BIGINT NOT NULL,
  decided BIGINT,
  reason TEXT NOT NULL
);
CREATE INDEX approval_by_asked ON approval (asked, id);
CREATE INDEX approval_by_state ON approval (state, asked, id);
CREATE INDEX approval_by_subject ON approval (subject, asked);
CREATE TABLE approval_vote (
  approval_id TEXT NOT NULL REFERENCES approval (id),
  by_whom TEXT NOT NULL,
  vote TEXT NOT NULL,
  comment TEXT NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (approval_id, by_whom)
);
CREATE TABLE remark (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  subject_kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  body TEXT NOT NULL,
  by_whom TEXT NOT NULL,
  at BIGINT NOT NULL
);
CREATE INDEX remark_by_subject ON remark (subject, at, id);
CREATE INDEX remark_by_time ON remark (at, id);
