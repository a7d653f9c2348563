-- A dataset version is known by name, content and schema; a use says which flow took it, as what.
CREATE TABLE dataset_version (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  name TEXT NOT NULL,
  md5 TEXT NOT NULL,
  size BIGINT NOT NULL,
  row_count BIGINT NOT NULL,
  time_min TEXT NOT NULL,
  time_max TEXT NOT NULL,
  schema TEXT NOT NULL,
  profile TEXT NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX dataset_version_by_age ON dataset_version (created, id);
CREATE INDEX dataset_version_by_name ON dataset_version (name, created, id);
CREATE TABLE dataset_use (
  flow TEXT NOT NULL,
  path TEXT NOT NULL,
  role TEXT NOT NULL,
  version_id TEXT NOT NULL REFERENCES dataset_version (id),
  findings TEXT NOT NULL,
  PRIMARY KEY (flow, path)
);
CREATE INDEX dataset_use_by_version ON dataset_use (version_id, flow, path);
