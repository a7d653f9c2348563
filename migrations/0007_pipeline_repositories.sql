-- A team's repository, as `git fetch` knows it.
CREATE TABLE repository (
  name TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  url TEXT NOT NULL,
  branch TEXT NOT NULL,
  created BIGINT NOT NULL
);
