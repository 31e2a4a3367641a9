-- The one upsert that a vote comes to, in a transaction of its own. Variables: turn (0 at the start), clients, people, candidates.
\set number :turn * :clients + :client_id
\set turn :turn + 1
\set person :candidates + :number % (:people - :candidates)
\set candidate (:number + :turn) % :candidates
BEGIN;
INSERT INTO votes (event_id, voter_id, candidate_id, candidate_attendee_id, via, campaign_id, cast_at) VALUES (bench_id(4, 0), bench_id(3, :person::bigint), bench_id(6, :candidate::bigint), bench_id(3, :candidate::bigint), 'signed_in', NULL, now()) ON CONFLICT (event_id, voter_id) DO UPDATE SET candidate_id = excluded.candidate_id, candidate_attendee_id = excluded.candidate_attendee_id, via = excluded.via, campaign_id = excluded.campaign_id, cast_at = excluded.cast_at RETURNING event_id;
COMMIT;
