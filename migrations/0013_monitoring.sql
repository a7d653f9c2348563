CREATE TABLE monitor (
  endpoint TEXT NOT NULL,
  revision BIGINT NOT NULL,
  project_id TEXT NOT NULL DEFAULT 'default',
  in_force BIGINT NOT NULL,
  era BIGINT NOT NULL,
  anchor BIGINT,
  since BIGINT NOT NULL,
  limits TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (endpoint, revision)
);
CREATE TABLE monitor_window (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  endpoint TEXT NOT NULL,
  starts BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  revision BIGINT NOT NULL,
  era BIGINT NOT NULL,
  rows_counted BIGINT NOT NULL,
  labels_counted BIGINT NOT NULL,
  labels_digest BIGINT NOT NULL,
  rows_at_close BIGINT NOT NULL,
  sights TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (endpoint, starts)
);
CREATE TABLE monitor_bins (
  window_id TEXT NOT NULL,
  column_name TEXT NOT NULL,
  bins TEXT NOT NULL,
  PRIMARY KEY (window_id, column_name)
);
CREATE TABLE monitor_alarm (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  endpoint TEXT NOT NULL,
  kind TEXT NOT NULL,
  column_name TEXT NOT NULL,
  open BIGINT NOT NULL,
  opened BIGINT NOT NULL,
  body TEXT NOT NULL
);
CREATE INDEX monitor_alarm_by_endpoint ON monitor_alarm (endpoint, open, opened);
CREATE INDEX monitor_alarm_by_time ON monitor_alarm (opened, id);
