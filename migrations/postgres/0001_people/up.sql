-- People: users with their roles and sessions, and attendees, who can hold a seat with or without an account.
-- Keys (email_key) are folded by the application; the databases fold differently.

CREATE TABLE users (
    id                uuid NOT NULL PRIMARY KEY,
    email             text NOT NULL,
    email_key         text NOT NULL CONSTRAINT users_email_key_unique UNIQUE,
    name              text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- the name, folded, for searching
    name_key          text NOT NULL,
    password_hash     text,
    phone             text,
    profession        text,
    bio               text,
    avatar_url        text,
    time_zone         text,
    listed            boolean NOT NULL,
    status            text NOT NULL CHECK (status IN ('active', 'suspended')),
    email_verified_at timestamptz,
    last_login_at     timestamptz,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    -- the person asked to be forgotten: the row stays for what refers to it, and says nothing of them
    erased_at         timestamptz,
    CONSTRAINT users_erased_hold_nothing CHECK (
        erased_at IS NULL
        OR (status = 'suspended' AND password_hash IS NULL AND phone IS NULL AND profession IS NULL AND bio IS NULL
            AND avatar_url IS NULL AND time_zone IS NULL AND NOT listed)
    )
);
CREATE INDEX users_by_age ON users (created_at, id);

CREATE TABLE roles (
    name        text NOT NULL PRIMARY KEY CHECK (length(name) BETWEEN 1 AND 50),
    description text NOT NULL,
    built_in    boolean NOT NULL
);

CREATE TABLE role_permissions (
    role_name  text NOT NULL REFERENCES roles (name) ON DELETE CASCADE,
    permission text NOT NULL,
    PRIMARY KEY (role_name, permission)
);

CREATE TABLE user_roles (
    user_id   uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_name text NOT NULL REFERENCES roles (name),
    PRIMARY KEY (user_id, role_name)
);
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
    id             uuid NOT NULL PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device         text,
    address        text,
    created_at     timestamptz NOT NULL,
    last_seen_at   timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    revoked_at     timestamptz,
    revoked_because text
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE refresh_tokens (
    token_hash text NOT NULL PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE attendees (
    id         uuid NOT NULL PRIMARY KEY,
    user_id    uuid CONSTRAINT attendees_user_unique UNIQUE REFERENCES users (id),
    name       text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    -- the name, folded, for searching
    name_key   text NOT NULL,
    email      text NOT NULL,
    email_key  text NOT NULL CONSTRAINT attendees_email_key_unique UNIQUE,
    phone      text,
    created_by uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
