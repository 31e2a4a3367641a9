-- What proves who somebody is beside the password: links and codes that were mailed, answers to questions, accounts
-- elsewhere. All of it is kept hashed, and goes with the account.

CREATE TABLE one_time_secrets (
    id          TEXT NOT NULL PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    purpose     TEXT NOT NULL CHECK (purpose IN ('verify_email', 'change_email', 'reset_password')),
    -- the address that it was sent to, which is not the account's where that is to change
    email       TEXT NOT NULL,
    email_key   TEXT NOT NULL,
    link_hash   TEXT NOT NULL CONSTRAINT one_time_secrets_link_unique UNIQUE,
    code_hash   TEXT NOT NULL,
    -- tries of the code, charged before it is compared; the link lives on when they are used up
    code_tries  INTEGER NOT NULL CHECK (code_tries BETWEEN 0 AND 5),
    created_at  TEXT NOT NULL,
    expires_at  TEXT NOT NULL,
    used_at     TEXT,
    voided_at   TEXT
) STRICT;
CREATE INDEX one_time_secrets_by_email ON one_time_secrets (email_key, expires_at);
CREATE INDEX one_time_secrets_by_user ON one_time_secrets (user_id, created_at);
CREATE INDEX one_time_secrets_by_end ON one_time_secrets (expires_at);

-- Messages that carry such secrets and were not sent in time are looked for, to be wiped.
CREATE INDEX outbox_by_end ON outbox (not_after) WHERE status = 'queued' AND not_after IS NOT NULL;

CREATE TABLE security_answers (
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    question_id TEXT NOT NULL,
    answer_hash TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    PRIMARY KEY (user_id, question_id)
) STRICT;

-- How often answers were wrong in a row, and until when none is taken.
CREATE TABLE security_answer_tries (
    user_id      TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    wrong        INTEGER NOT NULL CHECK (wrong >= 0),
    last_try_at  TEXT NOT NULL,
    locked_until TEXT
) STRICT;

CREATE TABLE external_identities (
    issuer    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    linked_at TEXT NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX external_identities_by_user ON external_identities (user_id);

-- The account that a message is for: it goes with the account, whatever address it went to.
ALTER TABLE outbox ADD COLUMN user_id TEXT;

-- The audit log is append only, whoever asks.
CREATE TRIGGER audit_log_keeps_its_rows BEFORE DELETE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only');
END;
CREATE TRIGGER audit_log_keeps_its_words BEFORE UPDATE ON audit_log
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only');
END;
-- INSERT OR REPLACE takes a row away without asking the trigger above.
CREATE TRIGGER audit_log_replaces_no_row BEFORE INSERT ON audit_log
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append only');
END;
