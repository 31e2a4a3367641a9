DROP TRIGGER audit_log_keeps_its_rows ON audit_log;
DROP TRIGGER audit_log_append_only ON audit_log;
DROP FUNCTION audit_log_is_append_only();
ALTER TABLE outbox DROP COLUMN user_id;
DROP TABLE external_identities;
DROP TABLE security_answer_tries;
DROP TABLE security_answers;
DROP INDEX outbox_by_end;
DROP TABLE one_time_secrets;
