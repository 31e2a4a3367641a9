DROP TRIGGER audit_log_replaces_no_row;
DROP TRIGGER audit_log_keeps_its_words;
DROP TRIGGER audit_log_keeps_its_rows;
ALTER TABLE outbox DROP COLUMN user_id;
DROP TABLE external_identities;
DROP TABLE security_answer_tries;
DROP TABLE security_answers;
DROP INDEX outbox_by_end;
DROP TABLE one_time_secrets;
