-- Events, who holds a seat at them, and who waits for one.

CREATE TABLE events (
    id                     TEXT NOT NULL PRIMARY KEY,
    organizer_id           TEXT NOT NULL REFERENCES users (id),
    status                 TEXT NOT NULL CHECK (status IN ('draft', 'published', 'cancelled', 'completed')),
    title                  TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description            TEXT,
    agenda                 TEXT,
    -- title and description, folded, for searching
    search_key             TEXT NOT NULL,
    format                 TEXT NOT NULL CHECK (format IN ('in_person', 'virtual', 'hybrid')),
    location               TEXT,
    -- the location, folded: with local_date it is what an event occupies
    place_key              TEXT,
    stream_url             TEXT,
    stream_status          TEXT NOT NULL CHECK (stream_status IN ('idle', 'live', 'ended')),
    starts_at              TEXT NOT NULL,
    ends_at                TEXT NOT NULL,
    time_zone              TEXT NOT NULL,
    -- the date of the start in the event's own zone, as YYYY-MM-DD
    local_date             TEXT NOT NULL,
    capacity               INTEGER NOT NULL CHECK (capacity BETWEEN 1 AND 1000000),
    -- live registrations and open offers; changes only together with the row that accounts for it
    seats_taken            INTEGER NOT NULL,
    waitlist_enabled       INTEGER NOT NULL,
    -- entries that wait; offers are counted in seats_taken
    waitlist_length        INTEGER NOT NULL CHECK (waitlist_length >= 0),
    -- the rank that the next entry of the waitlist gets
    next_rank              INTEGER NOT NULL,
    fee_amount             INTEGER NOT NULL CHECK (fee_amount >= 0),
    fee_currency           TEXT,
    refund_until_hours     INTEGER NOT NULL CHECK (refund_until_hours >= 0),
    registration_opens_at  TEXT,
    registration_closes_at TEXT,
    voting_opens_at        TEXT,
    voting_closes_at       TEXT,
    live_results           INTEGER NOT NULL,
    -- the two halves of the ETag
    edit_version           INTEGER NOT NULL,
    seats_version          INTEGER NOT NULL,
    published_at           TEXT,
    cancelled_at           TEXT,
    cancel_reason          TEXT,
    created_at             TEXT NOT NULL,
    updated_at             TEXT NOT NULL,
    CONSTRAINT events_seats_within_capacity CHECK (seats_taken BETWEEN 0 AND capacity),
    CONSTRAINT events_end_after_start CHECK (ends_at > starts_at),
    CONSTRAINT events_location_but_for_virtual CHECK ((format = 'virtual') = (location IS NULL)),
    CONSTRAINT events_fee_has_currency CHECK (fee_amount = 0 OR fee_currency IS NOT NULL)
) STRICT;
-- Published and completed events occupy their place and date.
CREATE UNIQUE INDEX events_one_per_place_and_date ON events (place_key, local_date)
    WHERE status IN ('published', 'completed') AND place_key IS NOT NULL;
CREATE INDEX events_by_start ON events (starts_at, id);
CREATE INDEX events_by_creation ON events (created_at, id);
CREATE INDEX events_by_organizer ON events (organizer_id, starts_at, id);

CREATE TABLE registrations (
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
CREATE UNIQUE INDEX registrations_one_live ON registrations (event_id, attendee_id)
    WHERE status IN ('pending_payment', 'confirmed', 'attended');
CREATE INDEX registrations_by_event ON registrations (event_id, registered_at, id);
CREATE INDEX registrations_by_attendee ON registrations (attendee_id, registered_at, id);

CREATE TABLE waitlist_entries (
    id               TEXT NOT NULL PRIMARY KEY,
    event_id         TEXT NOT NULL REFERENCES events (id),
    attendee_id      TEXT NOT NULL REFERENCES attendees (id),
    status           TEXT NOT NULL
        CHECK (status IN ('waiting', 'offered', 'promoted', 'left', 'removed', 'lapsed', 'cancelled')),
    rank             INTEGER NOT NULL,
    joined_at        TEXT NOT NULL,
    offer_expires_at TEXT,
    ended_at         TEXT,
    CONSTRAINT waitlist_entries_offer_has_an_end CHECK ((status = 'offered') = (offer_expires_at IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX waitlist_entries_one_live ON waitlist_entries (event_id, attendee_id)
    WHERE status IN ('waiting', 'offered');
CREATE UNIQUE INDEX waitlist_entries_in_order ON waitlist_entries (event_id, rank) WHERE status = 'waiting';
CREATE INDEX waitlist_entries_by_attendee ON waitlist_entries (attendee_id, joined_at, id);

CREATE TABLE waitlist_log (
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
CREATE INDEX waitlist_log_by_entry ON waitlist_log (entry_id, at, id);
