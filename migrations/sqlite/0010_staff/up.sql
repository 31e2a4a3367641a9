-- Who helps to run an event, beside its organiser.

CREATE TABLE event_staff (
    event_id TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role     TEXT NOT NULL CHECK (role IN ('manager', 'scanner')),
    added_by TEXT,
    added_at TEXT NOT NULL,
    PRIMARY KEY (event_id, user_id)
) STRICT;
CREATE INDEX event_staff_by_user ON event_staff (user_id, event_id);
