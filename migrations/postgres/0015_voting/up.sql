-- The community chooses the speaker: who stands, and who votes for whom.

CREATE TABLE candidates (
    id           uuid NOT NULL PRIMARY KEY,
    event_id     uuid NOT NULL REFERENCES events (id),
    attendee_id  uuid NOT NULL REFERENCES attendees (id),
    -- the account that named the person; their own where somebody stands by themselves
    nominated_by uuid NOT NULL REFERENCES users (id),
    -- nominated until the person accepts
    status       text NOT NULL CHECK (status IN ('nominated', 'listed', 'declined', 'withdrawn', 'left')),
    talk_title   text NOT NULL CHECK (length(talk_title) BETWEEN 1 AND 200),
    abstract     text NOT NULL,
    nominated_at timestamptz NOT NULL,
    listed_at    timestamptz,
    ended_at     timestamptz,
    updated_at   timestamptz NOT NULL,
    -- what a vote refers to
    CONSTRAINT candidates_event_and_person UNIQUE (id, event_id, attendee_id),
    CONSTRAINT candidates_listed_has_a_time CHECK (status <> 'listed' OR listed_at IS NOT NULL),
    CONSTRAINT candidates_ended_has_a_time CHECK ((status IN ('nominated', 'listed')) = (ended_at IS NULL))
);
CREATE UNIQUE INDEX candidates_one_live ON candidates (event_id, attendee_id) WHERE status IN ('nominated', 'listed');
CREATE INDEX candidates_by_event ON candidates (event_id, status, id);
CREATE INDEX candidates_by_attendee ON candidates (attendee_id, id);
CREATE INDEX candidates_by_nominator ON candidates (nominated_by, event_id);

-- One row for each voter and event. Nothing here refers to the event's row, which registering locks: voting waits for nobody who
-- registers.
CREATE TABLE votes (
    event_id              uuid NOT NULL,
    voter_id              uuid NOT NULL REFERENCES attendees (id),
    candidate_id          uuid NOT NULL,
    candidate_attendee_id uuid NOT NULL,
    via                   text NOT NULL CHECK (via IN ('signed_in', 'link')),
    -- whose link it was cast by
    campaign_id           uuid,
    cast_at               timestamptz NOT NULL,
    PRIMARY KEY (event_id, voter_id),
    CONSTRAINT votes_for_a_candidate_of_the_event FOREIGN KEY (candidate_id, event_id, candidate_attendee_id)
        REFERENCES candidates (id, event_id, attendee_id) ON UPDATE CASCADE,
    CONSTRAINT votes_for_somebody_else CHECK (voter_id <> candidate_attendee_id),
    CONSTRAINT votes_by_link_of_a_campaign CHECK ((via = 'link') = (campaign_id IS NOT NULL))
);
CREATE INDEX votes_by_candidate ON votes (event_id, candidate_id);
CREATE INDEX votes_by_voter ON votes (voter_id);
CREATE INDEX votes_by_campaign ON votes (campaign_id) WHERE campaign_id IS NOT NULL;

-- the candidate who speaks
ALTER TABLE events ADD COLUMN speaker_id uuid REFERENCES candidates (id);
CREATE INDEX events_by_speaker ON events (speaker_id) WHERE speaker_id IS NOT NULL;
