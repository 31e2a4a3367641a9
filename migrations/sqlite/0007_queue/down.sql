DROP TABLE reminder_rounds;
DROP INDEX outbox_texts;
DROP INDEX outbox_by_end;
DROP INDEX outbox_by_status;
DROP INDEX outbox_queue;
-- What was a text message is none without its medium.
DELETE FROM outbox WHERE medium = 'sms';
ALTER TABLE outbox DROP COLUMN wiped_at;
ALTER TABLE outbox DROP COLUMN finished_at;
ALTER TABLE outbox DROP COLUMN last_error;
ALTER TABLE outbox DROP COLUMN leased_by;
ALTER TABLE outbox DROP COLUMN attempts;
ALTER TABLE outbox DROP COLUMN medium;
CREATE INDEX outbox_queue ON outbox (channel, priority, due_at, id) WHERE status = 'queued';
CREATE INDEX outbox_by_end ON outbox (not_after) WHERE status = 'queued' AND not_after IS NOT NULL;
