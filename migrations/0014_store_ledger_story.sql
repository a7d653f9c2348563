CREATE INDEX ledger_by_cause ON ledger (cause, seq);
CREATE INDEX ledger_by_whom ON ledger (by_whom, seq);
