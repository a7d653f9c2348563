CREATE TABLE prediction_segment (
  path TEXT PRIMARY KEY,
  project_id TEXT NOT NULL DEFAULT 'default',
  endpoint BIGINT NOT NULL,
  server TEXT NOT NULL,
  rows_kept BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  digest TEXT NOT NULL,
  received_first BIGINT NOT NULL,
  received_last BIGINT NOT NULL,
  event_first BIGINT NOT NULL,
  event_last BIGINT NOT NULL,
  tallies TEXT NOT NULL,
  sealed BIGINT NOT NULL
);
CREATE INDEX prediction_segment_by_event ON prediction_segment (endpoint, event_first);
