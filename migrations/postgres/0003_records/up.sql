-- What is written beside the effect of an operation, in its transaction: what is to be told, the answer to
-- a repeated request, and the audit log.

CREATE TABLE outbox (
    id            uuid NOT NULL PRIMARY KEY,
    channel       text NOT NULL CHECK (channel IN ('message', 'live')),
    kind          text NOT NULL,
    -- messages: who gets it (folded address) and what makes it the only one of its kind for them
    recipient_key text,
    occasion      text,
    -- live events: who may hear it
    topic         text,
    payload       jsonb NOT NULL,
    priority      smallint NOT NULL,
    status        text NOT NULL CHECK (status IN ('queued', 'done', 'dead')),
    due_at        timestamptz NOT NULL,
    -- a message is worth nothing after this, and is wiped
    not_after     timestamptz,
    created_at    timestamptz NOT NULL,
    CONSTRAINT outbox_message_or_live CHECK (
        (channel = 'message' AND recipient_key IS NOT NULL AND occasion IS NOT NULL AND topic IS NULL)
        OR (channel = 'live' AND recipient_key IS NULL AND occasion IS NULL AND topic IS NOT NULL)
    )
);
CREATE UNIQUE INDEX outbox_message_once ON outbox (recipient_key, kind, occasion) WHERE channel = 'message';
CREATE INDEX outbox_queue ON outbox (channel, priority, due_at, id) WHERE status = 'queued';

CREATE TABLE idempotency_keys (
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    route       text NOT NULL,
    key         text NOT NULL,
    fingerprint text NOT NULL,
    status      smallint,
    location    text,
    etag        text,
    body        text,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, route, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE audit_log (
    id          uuid NOT NULL PRIMARY KEY,
    at          timestamptz NOT NULL,
    actor_id    uuid,
    action      text NOT NULL,
    object_type text NOT NULL,
    -- the id, or the name where that is what a thing goes by
    object_id   text NOT NULL,
    changes     jsonb NOT NULL,
    reason      text,
    request_id  text NOT NULL
);
CREATE INDEX audit_log_by_time ON audit_log (at, id);
CREATE INDEX audit_log_by_object ON audit_log (object_type, object_id, at);
