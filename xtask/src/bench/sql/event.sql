-- The public view of one event, as the server reads it when it is not cached. Variables: events.
\set event random(0, :events - 1)
SELECT e.*, u.name FROM events e JOIN users u ON u.id = e.organizer_id WHERE e.id = ('01900000-0004-7000-8000-' || lpad(to_hex(:event::bigint), 12, '0'))::uuid;
