DROP TABLE revoked_tickets;
CREATE TABLE registrations_new (
    id              TEXT NOT NULL PRIMARY KEY,
    event_id        TEXT NOT NULL REFERENCES events (id),
    attendee_id     TEXT NOT NULL REFERENCES attendees (id),
    status          TEXT NOT NULL
        CHECK (status IN ('pending_payment', 'confirmed', 'attended', 'cancelled', 'expired')),
    registered_by   TEXT,
    registered_at   TEXT NOT NULL,
    checked_in_at   TEXT,
    hold_expires_at TEXT,
    ended_at        TEXT,
    CONSTRAINT registrations_hold_has_an_end CHECK ((status = 'pending_payment') = (hold_expires_at IS NOT NULL))
) STRICT;
INSERT INTO registrations_new (id, event_id, attendee_id, status, registered_by, registered_at, checked_in_at, hold_expires_at, ended_at)
SELECT id, event_id, attendee_id, status, registered_by, registered_at, checked_in_at, hold_expires_at, ended_at FROM registrations;
DROP TABLE registrations;
ALTER TABLE registrations_new RENAME TO registrations;
CREATE UNIQUE INDEX registrations_one_live ON registrations (event_id, attendee_id)
    WHERE status IN ('pending_payment', 'confirmed', 'attended');
CREATE INDEX registrations_by_event ON registrations (event_id, registered_at, id);
CREATE INDEX registrations_by_attendee ON registrations (attendee_id, registered_at, id);
