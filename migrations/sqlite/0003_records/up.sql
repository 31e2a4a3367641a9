-- What is written beside the effect of an operation, in its transaction: what is to be told, the answer to
-- a repeated request, and the audit log.

CREATE TABLE outbox (
    id            TEXT NOT NULL PRIMARY KEY,
    channel       TEXT NOT NULL CHECK (channel IN ('message', 'live')),
    kind          TEXT NOT NULL,
    -- messages: who gets it (folded address) and what makes it the only one of its kind for them
    recipient_key TEXT,
    occasion      TEXT,
    -- live events: who may hear it
    topic         TEXT,
    payload       TEXT NOT NULL,
    priority      INTEGER NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('queued', 'done', 'dead')),
    due_at        TEXT NOT NULL,
    -- a message is worth nothing after this, and is wiped
    not_after     TEXT,
    created_at    TEXT NOT NULL,
    CONSTRAINT outbox_message_or_live CHECK (
        (channel = 'message' AND recipient_key IS NOT NULL AND occasion IS NOT NULL AND topic IS NULL)
        OR (channel = 'live' AND recipient_key IS NULL AND occasion IS NULL AND topic IS NOT NULL)
    )
) STRICT;
CREATE UNIQUE INDEX outbox_message_once ON outbox (recipient_key, kind, occasion) WHERE channel = 'message';
CREATE INDEX outbox_queue ON outbox (channel, priority, due_at, id) WHERE status = 'queued';

CREATE TABLE idempotency_keys (
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    route       TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status      INTEGER,
    location    TEXT,
    etag        TEXT,
    body        TEXT,
    created_at  TEXT NOT NULL,
    PRIMARY KEY (user_id, route, key)
) STRICT;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE audit_log (
    id          TEXT NOT NULL PRIMARY KEY,
    at          TEXT NOT NULL,
    actor_id    TEXT,
    action      TEXT NOT NULL,
    object_type TEXT NOT NULL,
    -- the id, or the name where that is what a thing goes by
    object_id   TEXT NOT NULL,
    changes     TEXT NOT NULL,
    reason      TEXT,
    request_id  TEXT NOT NULL
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at, id);
CREATE INDEX audit_log_by_object ON audit_log (object_type, object_id, at);
