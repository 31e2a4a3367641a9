-- Texts to all who hold a seat, as far as they are not written yet, and what statistics count by.

CREATE TABLE mailings (
    id              uuid PRIMARY KEY,
    event_id        uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    message         jsonb NOT NULL,
    registered_by   timestamptz NOT NULL,
    written_to_time timestamptz NOT NULL,
    written_to_id   uuid NOT NULL,
    created_at      timestamptz NOT NULL
);
CREATE INDEX mailings_by_event ON mailings (event_id);

CREATE INDEX registrations_by_check_in ON registrations (checked_in_at) WHERE checked_in_at IS NOT NULL;
