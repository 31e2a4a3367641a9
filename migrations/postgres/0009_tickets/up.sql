-- Every registration has a ticket's code: 60 random bits in Crockford's base 32. The application draws it; the function is for
-- rows of before, for seeds, and for a server of the version before that still runs.
CREATE FUNCTION random_ticket_code() RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    random bytea := uuid_send(gen_random_uuid());
    code   text := '';
BEGIN
    -- the bytes 6 and 8 of a random UUID are not wholly random
    FOR place IN 0..13 LOOP
        IF place NOT IN (6, 8) THEN
            code := code || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', 1 + (get_byte(random, place) & 31), 1);
        END IF;
    END LOOP;
    RETURN code;
END $$;
ALTER TABLE registrations ADD COLUMN ticket_code text NOT NULL DEFAULT random_ticket_code()
    CONSTRAINT registrations_ticket_code_form CHECK (length(ticket_code) = 12);
ALTER TABLE registrations ADD CONSTRAINT registrations_ticket_code_unique UNIQUE (ticket_code);
-- who checked the person in
ALTER TABLE registrations ADD COLUMN checked_in_by uuid;
ALTER TABLE registrations ADD CONSTRAINT registrations_attended_has_a_time CHECK (status <> 'attended' OR checked_in_at IS NOT NULL);
-- Codes of tickets whose registrations were removed with their attendees: who verifies tickets offline must know them.
CREATE TABLE revoked_tickets (
    ticket_code text NOT NULL PRIMARY KEY,
    event_id    uuid NOT NULL REFERENCES events (id) ON DELETE CASCADE
);
CREATE INDEX revoked_tickets_by_event ON revoked_tickets (event_id, ticket_code);
