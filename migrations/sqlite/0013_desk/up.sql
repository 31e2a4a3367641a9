-- Texts to all who hold a seat, as far as they are not written yet, and what statistics count by.

CREATE TABLE mailings (
    id              TEXT NOT NULL PRIMARY KEY,
    event_id        TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    message         TEXT NOT NULL,
    registered_by   TEXT NOT NULL,
    written_to_time TEXT NOT NULL,
    written_to_id   TEXT NOT NULL,
    created_at      TEXT NOT NULL
) STRICT;
CREATE INDEX mailings_by_event ON mailings (event_id);

CREATE INDEX registrations_by_check_in ON registrations (checked_in_at) WHERE checked_in_at IS NOT NULL;
