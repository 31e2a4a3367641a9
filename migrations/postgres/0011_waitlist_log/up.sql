-- The lines of an event's waitlist are numbered under its lock: their order is that of what happened, which times and ids of
-- requests that ran at once are not.
ALTER TABLE waitlist_log ADD COLUMN event_id uuid;
ALTER TABLE waitlist_log ADD COLUMN number bigint;
UPDATE waitlist_log SET event_id = numbered.event_id, number = numbered.number
FROM (
    SELECT l.id, w.event_id, row_number() OVER (PARTITION BY w.event_id ORDER BY l.at, l.id) AS number
    FROM waitlist_log l JOIN waitlist_entries w ON w.id = l.entry_id
) AS numbered
WHERE numbered.id = waitlist_log.id;
ALTER TABLE waitlist_log ALTER COLUMN event_id SET NOT NULL;
ALTER TABLE waitlist_log ALTER COLUMN number SET NOT NULL;
ALTER TABLE waitlist_log ADD CONSTRAINT waitlist_log_in_order UNIQUE (event_id, number);
-- new ranks that change nobody's place leave a line too
ALTER TABLE waitlist_log DROP CONSTRAINT waitlist_log_action_check;
ALTER TABLE waitlist_log ADD CONSTRAINT waitlist_log_action_check CHECK (action IN
    ('joined', 'moved', 'renumbered', 'promoted', 'offered', 'accepted', 'declined', 'lapsed', 'left', 'removed', 'cancelled'));
DROP INDEX waitlist_log_by_entry;
CREATE INDEX waitlist_log_by_entry ON waitlist_log (entry_id, number);
-- for a server of the version before that still runs
CREATE FUNCTION number_waitlist_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT w.event_id INTO NEW.event_id FROM waitlist_entries w WHERE w.id = NEW.entry_id;
    SELECT coalesce(max(l.number), 0) + 1 INTO NEW.number FROM waitlist_log l WHERE l.event_id = NEW.event_id;
    RETURN NEW;
END $$;
CREATE TRIGGER waitlist_log_numbered BEFORE INSERT ON waitlist_log
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION number_waitlist_line();
