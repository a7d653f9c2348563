CREATE TABLE endpoint (
  number BIGINT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  name TEXT NOT NULL,
  model TEXT NOT NULL,
  replay BIGINT NOT NULL,
  generation BIGINT NOT NULL,
  routing TEXT NOT NULL,
  created BIGINT NOT NULL
);
CREATE UNIQUE INDEX endpoint_by_name ON endpoint (name);
CREATE TABLE served_version (
  model TEXT NOT NULL,
  version BIGINT NOT NULL,
  project_id TEXT NOT NULL DEFAULT 'default',
  folder TEXT NOT NULL,
  digest TEXT NOT NULL,
  bytes BIGINT NOT NULL,
  column_names TEXT NOT NULL,
  us_one_row DOUBLE PRECISION NOT NULL,
  us_per_row DOUBLE PRECISION NOT NULL,
  inputs TEXT NOT NULL,
  outputs TEXT NOT NULL,
  prepared BIGINT NOT NULL,
  PRIMARY KEY (model, version)
);
