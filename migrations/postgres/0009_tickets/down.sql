DROP TABLE revoked_tickets;
ALTER TABLE registrations DROP CONSTRAINT registrations_attended_has_a_time;
ALTER TABLE registrations DROP COLUMN checked_in_by;
ALTER TABLE registrations DROP COLUMN ticket_code;
DROP FUNCTION random_ticket_code();
