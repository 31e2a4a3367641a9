DROP INDEX events_by_speaker;
ALTER TABLE events DROP COLUMN speaker_id;
DROP TABLE votes;
DROP TABLE candidates;
