-- A queue of messages as a rush leaves it: of 20 messages 16 tell of a seat, 3 of the waitlist, 1 of a cancellation.
INSERT INTO outbox (id, channel, kind, recipient_key, occasion, payload, priority, status, due_at, created_at, medium)
SELECT bench_id(5, n), 'message', kind, 'person' || n || '@podium.example', n::text,
       jsonb_build_object(
           'name', 'Person ' || n,
           'email', 'Person' || n || '@podium.example',
           'message', jsonb_build_object(kind, jsonb_build_object('event', event) || particulars)),
       0, 'queued', now(), now(), 'email'
FROM generate_series(0, :messages - 1) AS n,
     LATERAL (SELECT CASE WHEN n % 20 < 16 THEN 'seat_confirmed'
                          WHEN n % 20 < 19 THEN 'waitlist_joined'
                          ELSE 'registration_cancelled' END AS kind) AS kinds,
     LATERAL (SELECT jsonb_build_object(
                  'id', bench_id(4, n % 20), 'title', 'Event ' || n % 20 || ': what it is about, in some words',
                  'starts_at', to_char(now() + interval '30 days', 'YYYY-MM-DD"T"HH24:00:00"Z"'),
                  'ends_at', to_char(now() + interval '30 days 2 hours', 'YYYY-MM-DD"T"HH24:00:00"Z"'),
                  'time_zone', 'Asia/Kolkata', 'location', 'Hall ' || n % 20) AS event) AS events,
     LATERAL (SELECT CASE kind WHEN 'waitlist_joined'
                          THEN jsonb_build_object('entry_id', bench_id(6, n), 'position', 1 + n / 20)
                          ELSE jsonb_build_object('registration_id', bench_id(7, n)) END AS particulars) AS details;
VACUUM (ANALYZE) outbox;
