-- A registration for a free seat, as the server does it. Variables: turn (0 at the start), clients, people, first,
-- events, spread. No pair of person and event comes twice.
\set number :turn * :clients + :client_id
\set turn :turn + 1
\set round :number / :people
\set person :number % :people
\set event :first + (:person % :spread + :round) % :events
BEGIN;
SELECT id, organizer_id, status, title, format, location, starts_at, ends_at, time_zone, capacity, seats_taken, waitlist_enabled, waitlist_length, next_rank, fee_amount, fee_currency, registration_opens_at, registration_closes_at, published_at FROM events WHERE id = ('01900000-0004-7000-8000-' || lpad(to_hex(:event::bigint), 12, '0'))::uuid FOR UPDATE;
SELECT u.id, u.name, u.email, u.email_verified_at, a.id, r.id, w.id FROM users u LEFT JOIN attendees a ON a.user_id = u.id LEFT JOIN registrations r ON r.attendee_id = a.id AND r.event_id = ('01900000-0004-7000-8000-' || lpad(to_hex(:event::bigint), 12, '0'))::uuid AND r.status IN ('pending_payment', 'confirmed', 'attended') LEFT JOIN waitlist_entries w ON w.attendee_id = a.id AND w.event_id = ('01900000-0004-7000-8000-' || lpad(to_hex(:event::bigint), 12, '0'))::uuid AND w.status IN ('waiting', 'offered') WHERE u.id = ('01900000-0001-7000-8000-' || lpad(to_hex(:person::bigint), 12, '0'))::uuid;
UPDATE events SET seats_taken = seats_taken + 1, seats_version = seats_version + 1 WHERE id = ('01900000-0004-7000-8000-' || lpad(to_hex(:event::bigint), 12, '0'))::uuid AND seats_taken < capacity;
INSERT INTO registrations (id, event_id, attendee_id, status, registered_by, registered_at) VALUES (gen_random_uuid(), ('01900000-0004-7000-8000-' || lpad(to_hex(:event::bigint), 12, '0'))::uuid, ('01900000-0003-7000-8000-' || lpad(to_hex(:person::bigint), 12, '0'))::uuid, 'confirmed', ('01900000-0001-7000-8000-' || lpad(to_hex(:person::bigint), 12, '0'))::uuid, now());
INSERT INTO outbox (id, channel, kind, recipient_key, occasion, topic, payload, priority, status, due_at, created_at) VALUES (gen_random_uuid(), 'message', 'registration-confirmed', 'person' || :person::text || '@podium.example', gen_random_uuid()::text, NULL, '{"title": "An event", "name": "A person"}', 1, 'queued', now(), now()), (gen_random_uuid(), 'live', 'registration-changed', NULL, NULL, 'user:' || :person::text, '{"status": "confirmed"}', 1, 'queued', now(), now());
COMMIT;
