-- People are found by the words of their names and addresses, and by the events that they are at. A word is folded by the
-- application, which also fills the table for attendees that are here already.

ALTER TABLE attendees ADD COLUMN words_kept boolean NOT NULL DEFAULT FALSE;
-- Those whose words are still to be kept; none in the long run.
CREATE INDEX attendees_without_words ON attendees (id) WHERE NOT words_kept;
-- Whom an organiser noted. Most were noted by nobody.
CREATE INDEX attendees_by_creator ON attendees (created_by, id) WHERE created_by IS NOT NULL;

-- Words without the attendee's row are worth nothing, so nothing is checked when either is written.
CREATE TABLE attendee_words (
    -- by its bytes, so that all that begin alike stand together whatever the database's language
    word        text COLLATE "C" NOT NULL,
    attendee_id uuid NOT NULL,
    PRIMARY KEY (word, attendee_id)
);

-- All of them are partial, so that a registration costs no more than before: it begins as confirmed.
CREATE INDEX registrations_ended ON registrations (event_id, attendee_id) WHERE status IN ('cancelled', 'expired');
CREATE INDEX waitlist_entries_ended ON waitlist_entries (event_id, attendee_id) WHERE status NOT IN ('waiting', 'offered');
CREATE INDEX registrations_by_status ON registrations (status, id) WHERE status <> 'confirmed';
CREATE INDEX registrations_by_event_and_status ON registrations (event_id, status, registered_at, id) WHERE status <> 'confirmed';
