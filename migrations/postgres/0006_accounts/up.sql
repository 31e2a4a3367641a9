-- What proves who somebody is beside the password: links and codes that were mailed, answers to questions, accounts
-- elsewhere. All of it is kept hashed, and goes with the account.

CREATE TABLE one_time_secrets (
    id          uuid NOT NULL PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose     text NOT NULL CHECK (purpose IN ('verify_email', 'change_email', 'reset_password')),
    -- the address that it was sent to, which is not the account's where that is to change
    email       text NOT NULL,
    email_key   text NOT NULL,
    link_hash   text NOT NULL CONSTRAINT one_time_secrets_link_unique UNIQUE,
    code_hash   text NOT NULL,
    -- tries of the code, charged before it is compared; the link lives on when they are used up
    code_tries  smallint NOT NULL CHECK (code_tries BETWEEN 0 AND 5),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    voided_at   timestamptz
);
CREATE INDEX one_time_secrets_by_email ON one_time_secrets (email_key, expires_at);
CREATE INDEX one_time_secrets_by_user ON one_time_secrets (user_id, created_at);
CREATE INDEX one_time_secrets_by_end ON one_time_secrets (expires_at);

-- Messages that carry such secrets and were not sent in time are looked for, to be wiped.
CREATE INDEX outbox_by_end ON outbox (not_after) WHERE status = 'queued' AND not_after IS NOT NULL;

CREATE TABLE security_answers (
    user_id     uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    question_id text NOT NULL,
    answer_hash text NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, question_id)
);

-- How often answers were wrong in a row, and until when none is taken.
CREATE TABLE security_answer_tries (
    user_id      uuid NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    wrong        integer NOT NULL CHECK (wrong >= 0),
    last_try_at  timestamptz NOT NULL,
    locked_until timestamptz
);

CREATE TABLE external_identities (
    issuer    text NOT NULL,
    subject   text NOT NULL,
    user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_at timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX external_identities_by_user ON external_identities (user_id);

-- The account that a message is for: it goes with the account, whatever address it went to.
ALTER TABLE outbox ADD COLUMN user_id uuid;

-- The audit log is append only, whoever asks.
CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append only';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_keeps_its_rows BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
