-- A check-in by somebody of the staff, as the server does it. Variables: turn (0 at the start), clients, people, scanners.
-- No ticket comes twice; when all have come, they are refused.
\set number :turn * :clients + :client_id
\set turn :turn + 1
\set person :number % :people
\set scanner 1 + :client_id % :scanners
BEGIN;
SELECT r.*, a.user_id, a.name, a.email, e.title, e.starts_at, e.ends_at, e.time_zone, e.location, e.organizer_id, e.status FROM registrations r JOIN attendees a ON a.id = r.attendee_id JOIN events e ON e.id = r.event_id WHERE r.ticket_code = lpad(:person::text, 12, '0') LIMIT 1;
SELECT role FROM event_staff WHERE event_id = bench_id(4, 0) AND user_id = bench_id(1, :scanner::bigint) LIMIT 1;
UPDATE registrations SET status = 'attended', checked_in_at = now(), checked_in_by = bench_id(1, :scanner::bigint) WHERE id = bench_id(5, :person::bigint) AND attendee_id = bench_id(3, :person::bigint) AND status = 'confirmed' RETURNING id;
INSERT INTO audit_log (id, at, actor_id, action, object_type, object_id, changes, reason, request_id) VALUES (bench_new_id(), now(), bench_id(1, :scanner::bigint), 'registration.check_in', 'registration', bench_id(5, :person::bigint)::text, '{}', NULL, bench_new_id()::text);
INSERT INTO outbox (id, channel, kind, recipient_key, occasion, topic, payload, priority, status, due_at, created_at) VALUES (bench_new_id(), 'live', 'registration-changed', NULL, NULL, 'user:' || bench_id(1, :person::bigint)::text, '{"user_id": "01900000-0001-7000-8000-000000000001", "event_id": "01900000-0004-7000-8000-000000000001", "registration_id": "01900000-0005-7000-8000-000000000001", "status": "attended"}', 0, 'queued', now(), now()) ON CONFLICT DO NOTHING RETURNING id;
COMMIT;
