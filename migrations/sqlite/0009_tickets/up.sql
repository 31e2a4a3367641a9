-- Every registration has a ticket's code: 60 random bits in Crockford's base 32. The application draws it; the default is for
-- rows of before and for seeds. SQLite adds no such column to a table that is there.
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
    ticket_code     TEXT NOT NULL
        DEFAULT (
            substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1)
            || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (random() & 31), 1))
        CONSTRAINT registrations_ticket_code_unique UNIQUE
        CONSTRAINT registrations_ticket_code_form CHECK (length(ticket_code) = 12),
    -- who checked the person in
    checked_in_by   TEXT,
    CONSTRAINT registrations_hold_has_an_end CHECK ((status = 'pending_payment') = (hold_expires_at IS NOT NULL)),
    CONSTRAINT registrations_attended_has_a_time CHECK (status <> 'attended' OR checked_in_at IS NOT NULL)
) STRICT;
INSERT INTO registrations_new (id, event_id, attendee_id, status, registered_by, registered_at, checked_in_at, hold_expires_at, ended_at)
SELECT id, event_id, attendee_id, status, registered_by, registered_at, checked_in_at, hold_expires_at, ended_at FROM registrations;
DROP TABLE registrations;
ALTER TABLE registrations_new RENAME TO registrations;
CREATE UNIQUE INDEX registrations_one_live ON registrations (event_id, attendee_id)
    WHERE status IN ('pending_payment', 'confirmed', 'attended');
CREATE INDEX registrations_by_event ON registrations (event_id, registered_at, id);
CREATE INDEX registrations_by_attendee ON registrations (attendee_id, registered_at, id);
-- Codes of tickets whose registrations were removed with their attendees: who verifies tickets offline must know them.
CREATE TABLE revoked_tickets (
    ticket_code TEXT NOT NULL PRIMARY KEY,
    event_id    TEXT NOT NULL REFERENCES events (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX revoked_tickets_by_event ON revoked_tickets (event_id, ticket_code);
