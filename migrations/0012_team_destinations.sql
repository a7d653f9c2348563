CREATE TABLE destination (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  url TEXT NOT NULL,
  address TEXT NOT NULL,
  secret TEXT NOT NULL,
  events TEXT NOT NULL,
  mentions TEXT NOT NULL,
  allow_private BIGINT NOT NULL,
  job TEXT NOT NULL,
  made_by TEXT NOT NULL,
  created BIGINT NOT NULL,
  UNIQUE (project_id, name)
);
CREATE TABLE destination_delivery (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  destination_id TEXT NOT NULL,
  destination TEXT NOT NULL,
  event TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT NOT NULL,
  state TEXT NOT NULL,
  attempts BIGINT NOT NULL,
  status BIGINT NOT NULL,
  answer TEXT NOT NULL,
  error TEXT NOT NULL,
  due BIGINT NOT NULL,
  created BIGINT NOT NULL,
  ended BIGINT,
  UNIQUE (destination_id, event)
);
CREATE INDEX destination_delivery_by_due ON destination_delivery (destination_id, state, due);
CREATE INDEX destination_delivery_by_time ON destination_delivery (created, id);
ALTER TABLE remark ADD COLUMN mentions TEXT NOT NULL DEFAULT '[]';
