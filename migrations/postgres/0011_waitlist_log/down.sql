DROP TRIGGER waitlist_log_numbered ON waitlist_log;
DROP FUNCTION number_waitlist_line();
DROP INDEX waitlist_log_by_entry;
DELETE FROM waitlist_log WHERE action = 'renumbered';
ALTER TABLE waitlist_log DROP CONSTRAINT waitlist_log_action_check;
ALTER TABLE waitlist_log ADD CONSTRAINT waitlist_log_action_check CHECK (action IN
    ('joined', 'moved', 'promoted', 'offered', 'accepted', 'declined', 'lapsed', 'left', 'removed', 'cancelled'));
ALTER TABLE waitlist_log DROP COLUMN number;
ALTER TABLE waitlist_log DROP COLUMN event_id;
CREATE INDEX waitlist_log_by_entry ON waitlist_log (entry_id, at, id);
