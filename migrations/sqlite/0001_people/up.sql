-- People: users with their roles and sessions, and attendees, who can hold a seat with or without an account.
-- Keys (email_key) are folded by the application; the databases fold differently.

CREATE TABLE users (
    id                TEXT NOT NULL PRIMARY KEY,
    email             TEXT NOT NULL,
    email_key         TEXT NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
    name              TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- the name, folded, for searching
    name_key          TEXT NOT NULL,
    password_hash     TEXT,
    phone             TEXT,
    profession        TEXT,
    bio               TEXT,
    avatar_url        TEXT,
    time_zone         TEXT,
    listed            INTEGER NOT NULL,
    status            TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    email_verified_at TEXT,
    last_login_at     TEXT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    -- the person asked to be forgotten: the row stays for what refers to it, and says nothing of them
    erased_at         TEXT,
    CONSTRAINT users_erased_hold_nothing CHECK (
        erased_at IS NULL
        OR (status = 'suspended' AND password_hash IS NULL AND phone IS NULL AND profession IS NULL AND bio IS NULL
            AND avatar_url IS NULL AND time_zone IS NULL AND listed = 0)
    )
) STRICT;
CREATE INDEX users_by_age ON users (created_at, id);

CREATE TABLE roles (
    name        TEXT NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 50),
    description TEXT NOT NULL,
    built_in    INTEGER NOT NULL
) STRICT;

CREATE TABLE role_permissions (
    role_name  TEXT NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission TEXT NOT NULL,
    PRIMARY KEY (role_name, permission)
) STRICT;

CREATE TABLE user_roles (
    user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_name TEXT NOT NULL REFERENCES roles (name),
    PRIMARY KEY (user_id, role_name)
) STRICT;
CREATE INDEX user_roles_by_role ON user_roles (role_name);

-- The built-in role admin holds the whole catalogue by its name, so that a permission added later is its at once.
INSERT INTO roles (name, description, built_in) VALUES
    ('admin', 'Everything.', TRUE),
    ('organizer', 'Creates events and runs them.', TRUE),
    ('attendee', 'Takes part.', TRUE);
INSERT INTO role_permissions (role_name, permission) VALUES
    ('organizer', 'event:create'),
    ('organizer', 'attendee:read'),
    ('organizer', 'attendee:write');

CREATE TABLE sessions (
    id             TEXT NOT NULL PRIMARY KEY,
    user_id        TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device         TEXT,
    address        TEXT,
    created_at     TEXT NOT NULL,
    last_seen_at   TEXT NOT NULL,
    expires_at     TEXT NOT NULL,
    revoked_at     TEXT,
    revoked_because TEXT
) STRICT;
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
    token_hash TEXT NOT NULL PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at  TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_at    TEXT
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE attendees (
    id         TEXT NOT NULL PRIMARY KEY,
    user_id    TEXT CONSTRAINT attendees_user_unique UNIQUE REFERENCES users (id),
    name       TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- the name, folded, for searching
    name_key   TEXT NOT NULL,
    email      TEXT NOT NULL,
    email_key  TEXT NOT NULL CONSTRAINT attendees_email_key_unique UNIQUE,
    phone      TEXT,
    created_by TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;
