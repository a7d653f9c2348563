-- Runs by the value of a parameter or tag. The first hundred characters: PostgreSQL's index rows are small, and no value is told apart later.
CREATE INDEX run_param_by_value ON run_param (key, substr(value, 1, 100), run_id);
CREATE INDEX run_tag_by_value ON run_tag (key, substr(value, 1, 100), run_id);
