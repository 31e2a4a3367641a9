CREATE TABLE waitlist_log_new (
    id        TEXT NOT NULL PRIMARY KEY,
    entry_id  TEXT NOT NULL REFERENCES waitlist_entries (id) ON DELETE CASCADE,
    at        TEXT NOT NULL,
    action    TEXT NOT NULL
        CHECK (action IN ('joined', 'moved', 'promoted', 'offered', 'accepted', 'declined', 'lapsed', 'left', 'removed', 'cancelled')),
    actor_id  TEXT,
    reason    TEXT,
    -- the rank after the action
    rank      INTEGER NOT NULL
) STRICT;
INSERT INTO waitlist_log_new (id, entry_id, at, action, actor_id, reason, rank)
SELECT id, entry_id, at, action, actor_id, reason, rank FROM waitlist_log WHERE action <> 'renumbered';
DROP TABLE waitlist_log;
ALTER TABLE waitlist_log_new RENAME TO waitlist_log;
CREATE INDEX waitlist_log_by_entry ON waitlist_log (entry_id, at, id);
