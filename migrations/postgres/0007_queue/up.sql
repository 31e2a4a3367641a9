-- The outbox becomes the queue of what is to be sent: a worker claims a message by moving its due time to the end of the
-- lease, so that what a worker left behind is due again by itself.
-- by what a message travels; the default is for a server of the version before that still runs
ALTER TABLE outbox ADD COLUMN medium text DEFAULT 'email' CHECK (medium IN ('email', 'sms'));
-- tries that failed
ALTER TABLE outbox ADD COLUMN attempts smallint NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN leased_by text;
ALTER TABLE outbox ADD COLUMN last_error text;
-- when it was sent or given up
ALTER TABLE outbox ADD COLUMN finished_at timestamptz;
-- when its secrets were taken out because they are worth nothing any more
ALTER TABLE outbox ADD COLUMN wiped_at timestamptz;
UPDATE outbox SET medium = NULL WHERE channel = 'live';

DROP INDEX outbox_queue;
CREATE INDEX outbox_queue ON outbox (channel, medium, priority, due_at, id) WHERE status = 'queued';
CREATE INDEX outbox_by_status ON outbox (status, id) WHERE channel = 'message';
DROP INDEX outbox_by_end;
CREATE INDEX outbox_by_end ON outbox (not_after) WHERE status <> 'done' AND wiped_at IS NULL AND not_after IS NOT NULL;
-- how many texts a person got lately
CREATE INDEX outbox_texts ON outbox (user_id, created_at) WHERE medium = 'sms';

-- Which reminders of an event were asked for, and for which start: each round is written once, however many look.
CREATE TABLE reminder_rounds (
    event_id     uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    hours_before smallint NOT NULL CHECK (hours_before > 0),
    starts_at    timestamptz NOT NULL,
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (event_id, hours_before, starts_at)
);
