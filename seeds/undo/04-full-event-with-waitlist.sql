-- Whatever people did at this event since goes with it; the log goes with its entry.
DELETE FROM waitlist_entries WHERE event_id = '01900000-0000-7000-8000-000000000321';
DELETE FROM registrations WHERE event_id = '01900000-0000-7000-8000-000000000321';
DELETE FROM events WHERE id = '01900000-0000-7000-8000-000000000321';
DELETE FROM attendees WHERE id IN (
    '01900000-0000-7000-8000-000000000221',
    '01900000-0000-7000-8000-000000000222',
    '01900000-0000-7000-8000-000000000223',
    '01900000-0000-7000-8000-000000000224',
    '01900000-0000-7000-8000-000000000225',
    '01900000-0000-7000-8000-000000000226'
);
-- The server keeps words of those who are found by them.
DELETE FROM attendee_words WHERE attendee_id NOT IN (SELECT id FROM attendees);
