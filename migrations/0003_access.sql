-- An account is the server's; what it may do is given per project.
CREATE TABLE account (
  name TEXT PRIMARY KEY,
  password_hash TEXT NOT NULL,
  created BIGINT NOT NULL
);
CREATE TABLE account_role (
  project_id TEXT NOT NULL DEFAULT 'default',
  account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE,
  role TEXT NOT NULL,
  PRIMARY KEY (project_id, account)
);

-- Whose commits are whose. An address belongs to one account.
CREATE TABLE account_email (
  email TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES account (name) ON DELETE CASCADE
);

-- Tokens are 256 random bits; only their SHA-256 is kept.
CREATE TABLE token (
  id TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  digest TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  account TEXT NOT NULL,
  scope TEXT NOT NULL,
  label TEXT NOT NULL,
  made_by TEXT NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX token_by_account ON token (account);
