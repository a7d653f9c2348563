-- Registered models, their versions, tags and aliases. Times are milliseconds, as in tracking.
CREATE TABLE registered_model (
  name TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  description TEXT NOT NULL,
  creation_timestamp BIGINT NOT NULL,
  last_updated_timestamp BIGINT NOT NULL,
  last_version BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX registered_model_newest ON registered_model (last_updated_timestamp, name);
CREATE TABLE registered_model_tag (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, key));

-- A deleted version stays as a row of stage 'Deleted', emptied: its number is never used again.
CREATE TABLE model_version (
  name TEXT NOT NULL,
  version BIGINT NOT NULL,
  project_id TEXT NOT NULL DEFAULT 'default',
  stage TEXT NOT NULL,
  source TEXT NOT NULL,
  storage_location TEXT NOT NULL,
  run_id TEXT NOT NULL,
  run_link TEXT NOT NULL,
  model_id TEXT NOT NULL,
  description TEXT,
  creation_timestamp BIGINT NOT NULL,
  last_updated_timestamp BIGINT NOT NULL,
  registered_by TEXT NOT NULL,
  flow_id TEXT NOT NULL DEFAULT '',
  flow_epoch BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (name, version)
);
CREATE INDEX model_version_newest ON model_version (last_updated_timestamp, name, version);
CREATE INDEX model_version_of_run ON model_version (run_id);
CREATE INDEX model_version_of_flow ON model_version (flow_id, flow_epoch, version);
CREATE TABLE model_version_tag (name TEXT NOT NULL, version BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, version, key));
CREATE TABLE model_alias (name TEXT NOT NULL, alias TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (name, alias));
