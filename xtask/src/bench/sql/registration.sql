-- A registration for a free seat, as the server does it. Variables: turn (0 at the start), clients, people, first,
-- events, spread. No pair of person and event comes twice.
\set number :turn * :clients + :client_id
\set turn :turn + 1
\set round :number / :people
\set person :number % :people
\set event :first + (:person % :spread + :round) % :events
BEGIN;
SELECT id, organizer_id, status, title, location, starts_at, ends_at, time_zone, fee_amount, registration_opens_at, registration_closes_at, capacity, seats_taken, waitlist_enabled, waitlist_length, next_rank FROM events WHERE id = bench_id(4, :event::bigint) LIMIT 1 FOR UPDATE;
SELECT u.id, u.email, u.email_key, u.name, u.email_verified_at, a.*, r.*, w.* FROM users u LEFT JOIN attendees a ON a.email_key = u.email_key LEFT JOIN registrations r ON r.attendee_id = a.id AND r.event_id = bench_id(4, :event::bigint) AND r.status IN ('pending_payment', 'confirmed', 'attended') LEFT JOIN waitlist_entries w ON w.attendee_id = a.id AND w.event_id = bench_id(4, :event::bigint) AND w.status IN ('waiting', 'offered') WHERE u.id = bench_id(1, :person::bigint) LIMIT 1;
UPDATE events SET seats_taken = seats_taken + 1, waitlist_length = waitlist_length + 0, next_rank = next_rank + 0, seats_version = seats_version + 1 WHERE id = bench_id(4, :event::bigint) AND seats_taken + 1 BETWEEN 0 AND capacity RETURNING id;
INSERT INTO registrations (id, event_id, attendee_id, status, registered_by, registered_at) VALUES (bench_new_id(), bench_id(4, :event::bigint), bench_id(3, :person::bigint), 'confirmed', bench_id(1, :person::bigint), now());
INSERT INTO outbox (id, channel, kind, recipient_key, occasion, topic, payload, priority, status, due_at, created_at) VALUES (bench_new_id(), 'message', 'seat_confirmed', 'person' || :person::text || '@podium.example', bench_new_id()::text, NULL, '{"name": "Person 1", "email": "person1@podium.example", "message": {"event": {"id": "01900000-0004-7000-8000-000000000001", "title": "Event 1", "starts_at": "2030-01-15T09:00:00Z", "ends_at": "2030-01-15T11:00:00Z", "time_zone": "UTC", "location": "Hall 1"}, "registration_id": "01900000-0005-7000-8000-000000000001"}}', 0, 'queued', now(), now()), (bench_new_id(), 'live', 'registration-changed', NULL, NULL, 'user:' || bench_id(1, :person::bigint)::text, '{"user_id": "01900000-0001-7000-8000-000000000001", "event_id": "01900000-0004-7000-8000-000000000001", "registration_id": "01900000-0005-7000-8000-000000000001", "status": "confirmed"}', 0, 'queued', now(), now()) ON CONFLICT DO NOTHING RETURNING id;
COMMIT;
