-- How much one account did within a day is asked before it may do more.
CREATE INDEX audit_log_by_actor ON audit_log (actor_id, at);
