-- Whether somebody is at an event of an organiser's is asked for many people at a time: the index knows the events, too, and the
-- rows need not be read.
DROP INDEX registrations_by_attendee;
CREATE INDEX registrations_by_attendee ON registrations (attendee_id, registered_at, id) INCLUDE (event_id);
