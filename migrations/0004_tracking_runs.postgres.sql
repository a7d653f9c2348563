-- Experiments, runs and what is logged to them; logged models. Times of this room are milliseconds, as its clients send them.
CREATE TABLE experiment (
  id BIGINT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  name TEXT NOT NULL UNIQUE,
  artifact_location TEXT NOT NULL,
  lifecycle_stage TEXT NOT NULL,
  creation_time BIGINT NOT NULL,
  last_update_time BIGINT NOT NULL
);
CREATE TABLE experiment_counter (id BIGINT PRIMARY KEY, last BIGINT NOT NULL);
INSERT INTO experiment_counter (id, last) VALUES (0, 0);
CREATE TABLE experiment_tag (
  experiment_id BIGINT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (experiment_id, key)
);

CREATE TABLE run (
  run_id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  experiment_id BIGINT NOT NULL,
  run_name TEXT NOT NULL,
  user_id TEXT NOT NULL,
  status TEXT NOT NULL,
  start_time BIGINT NOT NULL,
  end_time BIGINT,
  artifact_uri TEXT NOT NULL,
  lifecycle_stage TEXT NOT NULL,
  deleted_time BIGINT,
  created_by TEXT NOT NULL,
  flow_id TEXT NOT NULL DEFAULT '',
  flow_epoch BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX run_newest ON run (experiment_id, lifecycle_stage, start_time DESC, run_id);
CREATE INDEX run_of_flow ON run (flow_id, run_id);

CREATE TABLE run_param (run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key));
CREATE TABLE run_tag (run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key));
-- Runs by the value of a parameter or tag. The first hundred characters: PostgreSQL's index rows are small, and no value is told apart later.
CREATE INDEX run_param_by_value ON run_param (key, substr(value, 1, 100), run_id);
CREATE INDEX run_tag_by_value ON run_tag (key, substr(value, 1, 100), run_id);

-- The latest value of each key, for search and for the run's page. NaN is value 0 with is_nan 1: SQLite has no NaN.
CREATE TABLE metric_latest (
  run_id TEXT NOT NULL,
  key TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  is_nan BIGINT NOT NULL,
  timestamp BIGINT NOT NULL,
  step BIGINT NOT NULL,
  PRIMARY KEY (run_id, key)
);
-- All points, in compressed columns: one row per request under key '' until compaction makes one row per key of many.
CREATE TABLE metric_chunk (
  run_id TEXT NOT NULL,
  key TEXT NOT NULL,
  id BIGINT NOT NULL,
  points BIGINT NOT NULL,
  data BYTEA NOT NULL,
  PRIMARY KEY (run_id, key, id)
);

CREATE TABLE run_dataset (
  id TEXT PRIMARY KEY,
  experiment_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  source_type TEXT NOT NULL,
  source TEXT NOT NULL,
  schema TEXT,
  profile TEXT,
  UNIQUE (experiment_id, name, digest)
);
CREATE TABLE run_input (run_id TEXT NOT NULL, dataset_id TEXT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (run_id, dataset_id));
CREATE INDEX run_input_of_dataset ON run_input (dataset_id, run_id);
CREATE TABLE run_input_tag (run_id TEXT NOT NULL, dataset_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, dataset_id, key));
CREATE TABLE run_model_input (run_id TEXT NOT NULL, model_id TEXT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (run_id, model_id));
CREATE TABLE run_model_output (run_id TEXT NOT NULL, model_id TEXT NOT NULL, step BIGINT NOT NULL, position BIGINT NOT NULL, PRIMARY KEY (run_id, model_id, step));

CREATE TABLE logged_model (
  model_id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  experiment_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  artifact_location TEXT NOT NULL,
  creation_timestamp BIGINT NOT NULL,
  last_updated_timestamp BIGINT NOT NULL,
  status TEXT NOT NULL,
  lifecycle_stage TEXT NOT NULL,
  model_type TEXT,
  source_run_id TEXT,
  status_message TEXT
);
CREATE INDEX logged_model_newest ON logged_model (experiment_id, lifecycle_stage, creation_timestamp DESC, model_id);
CREATE TABLE logged_model_tag (model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key));
CREATE TABLE logged_model_param (model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key));
CREATE TABLE logged_model_metric (
  model_id TEXT NOT NULL,
  key TEXT NOT NULL,
  timestamp BIGINT NOT NULL,
  step BIGINT NOT NULL,
  run_id TEXT NOT NULL,
  value DOUBLE PRECISION NOT NULL,
  is_nan BIGINT NOT NULL,
  dataset_name TEXT,
  dataset_digest TEXT,
  PRIMARY KEY (model_id, key, timestamp, step, run_id)
);
