DROP INDEX registrations_by_event_and_status;
DROP INDEX registrations_by_status;
DROP INDEX waitlist_entries_ended;
DROP INDEX registrations_ended;
DROP TABLE attendee_words;
DROP INDEX attendees_by_creator;
DROP INDEX attendees_without_words;
ALTER TABLE attendees DROP COLUMN words_kept;
