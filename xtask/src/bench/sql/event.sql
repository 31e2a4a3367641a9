-- The public view of one event, as the server reads it when it is not cached. Variables: events.
\set event random(0, :events - 1)
SELECT e.*, u.name FROM events e JOIN users u ON u.id = e.organizer_id WHERE e.id = bench_id(4, :event::bigint);
