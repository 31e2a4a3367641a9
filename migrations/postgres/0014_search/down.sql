DROP INDEX registrations_by_attendee;
CREATE INDEX registrations_by_attendee ON registrations (attendee_id, registered_at, id);
