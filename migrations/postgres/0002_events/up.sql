-- Events, who holds a seat at them, and who waits for one.

CREATE TABLE events (
    id                     uuid NOT NULL PRIMARY KEY,
    organizer_id           uuid NOT NULL REFERENCES users (id),
    status                 text NOT NULL CHECK (status IN ('draft', 'published', 'cancelled', 'completed')),
    title                  text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    description            text,
    agenda                 text,
    -- title and description, folded, for searching
    search_key             text NOT NULL,
    format                 text NOT NULL CHECK (format IN ('in_person', 'virtual', 'hybrid')),
    location               text,
    -- the location, folded: with local_date it is what an event occupies
    place_key              text,
    stream_url             text,
    stream_status          text NOT NULL CHECK (stream_status IN ('idle', 'live', 'ended')),
    starts_at              timestamptz NOT NULL,
    ends_at                timestamptz NOT NULL,
    time_zone              text NOT NULL,
    -- the date of the start in the event's own zone, as YYYY-MM-DD
    local_date             text NOT NULL,
    capacity               integer NOT NULL CHECK (capacity BETWEEN 1 AND 1000000),
    -- live registrations and open offers; changes only together with the row that accounts for it
    seats_taken            integer NOT NULL,
    waitlist_enabled       boolean NOT NULL,
    -- entries that wait; offers are counted in seats_taken
    waitlist_length        integer NOT NULL CHECK (waitlist_length >= 0),
    -- the rank that the next entry of the waitlist gets
    next_rank              bigint NOT NULL,
    fee_amount             bigint NOT NULL CHECK (fee_amount >= 0),
    fee_currency           text,
    refund_until_hours     integer NOT NULL CHECK (refund_until_hours >= 0),
    registration_opens_at  timestamptz,
    registration_closes_at timestamptz,
    voting_opens_at        timestamptz,
    voting_closes_at       timestamptz,
    live_results           boolean NOT NULL,
    -- the two halves of the ETag
    edit_version           bigint NOT NULL,
    seats_version          bigint NOT NULL,
    published_at           timestamptz,
    cancelled_at           timestamptz,
    cancel_reason          text,
    created_at             timestamptz NOT NULL,
    updated_at             timestamptz NOT NULL,
    CONSTRAINT events_seats_within_capacity CHECK (seats_taken BETWEEN 0 AND capacity),
    CONSTRAINT events_end_after_start CHECK (ends_at > starts_at),
    CONSTRAINT events_location_but_for_virtual CHECK ((format = 'virtual') = (location IS NULL)),
    CONSTRAINT events_fee_has_currency CHECK (fee_amount = 0 OR fee_currency IS NOT NULL)
)
-- Every registration writes a new version of its event's row: room for it on the same page, and an early sweep.
WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 500);
-- Published and completed events occupy their place and date.
CREATE UNIQUE INDEX events_one_per_place_and_date ON events (place_key, local_date)
    WHERE status IN ('published', 'completed') AND place_key IS NOT NULL;
CREATE INDEX events_by_start ON events (starts_at, id);
CREATE INDEX events_by_creation ON events (created_at, id);
CREATE INDEX events_by_organizer ON events (organizer_id, starts_at, id);

CREATE TABLE registrations (
    id              uuid NOT NULL PRIMARY KEY,
    event_id        uuid NOT NULL REFERENCES events (id),
    attendee_id     uuid NOT NULL REFERENCES attendees (id),
    status          text NOT NULL
        CHECK (status IN ('pending_payment', 'confirmed', 'attended', 'cancelled', 'expired')),
    registered_by   uuid,
    registered_at   timestamptz NOT NULL,
    checked_in_at   timestamptz,
    hold_expires_at timestamptz,
    ended_at        timestamptz,
    CONSTRAINT registrations_hold_has_an_end CHECK ((status = 'pending_payment') = (hold_expires_at IS NOT NULL))
);
CREATE UNIQUE INDEX registrations_one_live ON registrations (event_id, attendee_id)
    WHERE status IN ('pending_payment', 'confirmed', 'attended');
CREATE INDEX registrations_by_event ON registrations (event_id, registered_at, id);
CREATE INDEX registrations_by_attendee ON registrations (attendee_id, registered_at, id);

CREATE TABLE waitlist_entries (
    id               uuid NOT NULL PRIMARY KEY,
    event_id         uuid NOT NULL REFERENCES events (id),
    attendee_id      uuid NOT NULL REFERENCES attendees (id),
    status           text NOT NULL
        CHECK (status IN ('waiting', 'offered', 'promoted', 'left', 'removed', 'lapsed', 'cancelled')),
    rank             bigint NOT NULL,
    joined_at        timestamptz NOT NULL,
    offer_expires_at timestamptz,
    ended_at         timestamptz,
    CONSTRAINT waitlist_entries_offer_has_an_end CHECK ((status = 'offered') = (offer_expires_at IS NOT NULL))
);
CREATE UNIQUE INDEX waitlist_entries_one_live ON waitlist_entries (event_id, attendee_id)
    WHERE status IN ('waiting', 'offered');
CREATE UNIQUE INDEX waitlist_entries_in_order ON waitlist_entries (event_id, rank) WHERE status = 'waiting';
CREATE INDEX waitlist_entries_by_attendee ON waitlist_entries (attendee_id, joined_at, id);

CREATE TABLE waitlist_log (
    id        uuid NOT NULL PRIMARY KEY,
    entry_id  uuid NOT NULL REFERENCES waitlist_entries (id) ON DELETE CASCADE,
    at        timestamptz NOT NULL,
    action    text NOT NULL
        CHECK (action IN ('joined', 'moved', 'promoted', 'offered', 'accepted', 'declined', 'lapsed', 'left', 'removed', 'cancelled')),
    actor_id  uuid,
    reason    text,
    -- the rank after the action
    rank      bigint NOT NULL
);
CREATE INDEX waitlist_log_by_entry ON waitlist_log (entry_id, at, id);
