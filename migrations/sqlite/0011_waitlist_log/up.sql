-- The lines of an event's waitlist are numbered under its lock: their order is that of what happened, which times and ids of
-- requests that ran at once are not. SQLite adds no such column to a table that is there.
CREATE TABLE waitlist_log_new (
    id        TEXT NOT NULL PRIMARY KEY,
    entry_id  TEXT NOT NULL REFERENCES waitlist_entries (id) ON DELETE CASCADE,
    at        TEXT NOT NULL,
    -- new ranks that change nobody's place leave a line too
    action    TEXT NOT NULL CHECK (action IN
        ('joined', 'moved', 'renumbered', 'promoted', 'offered', 'accepted', 'declined', 'lapsed', 'left', 'removed', 'cancelled')),
    actor_id  TEXT,
    reason    TEXT,
    -- the rank after the action
    rank      INTEGER NOT NULL,
    event_id  TEXT NOT NULL,
    number    INTEGER NOT NULL,
    CONSTRAINT waitlist_log_in_order UNIQUE (event_id, number)
) STRICT;
INSERT INTO waitlist_log_new (id, entry_id, at, action, actor_id, reason, rank, event_id, number)
SELECT l.id, l.entry_id, l.at, l.action, l.actor_id, l.reason, l.rank, w.event_id,
    row_number() OVER (PARTITION BY w.event_id ORDER BY l.at, l.id)
FROM waitlist_log l JOIN waitlist_entries w ON w.id = l.entry_id;
DROP TABLE waitlist_log;
ALTER TABLE waitlist_log_new RENAME TO waitlist_log;
CREATE INDEX waitlist_log_by_entry ON waitlist_log (entry_id, number);
