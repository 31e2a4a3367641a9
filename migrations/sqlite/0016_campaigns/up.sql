-- Mails that ask for votes: what is asked for and approved, who gets it, and who wants none.

ALTER TABLE users ADD COLUMN campaign_mail INTEGER NOT NULL DEFAULT 0 CHECK (campaign_mail IN (0, 1));
CREATE INDEX users_with_campaign_mail ON users (id) WHERE campaign_mail;

CREATE TABLE campaigns (
    id             TEXT NOT NULL PRIMARY KEY,
    event_id       TEXT NOT NULL REFERENCES events (id),
    candidate_id   TEXT NOT NULL REFERENCES candidates (id),
    requested_by   TEXT NOT NULL REFERENCES users (id),
    status         TEXT NOT NULL
        CHECK (status IN ('requested', 'approved', 'sending', 'paused', 'sent', 'rejected', 'cancelled')),
    subject        TEXT NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    body           TEXT NOT NULL,
    -- how the candidate and the talk were called when it was approved, as long as it goes on
    candidate_name TEXT,
    talk_title     TEXT,
    -- whom it goes to, and from when on; once it is approved
    audience       TEXT CHECK (audience IN ('event', 'all')),
    send_at        TEXT,
    -- why it was rejected, paused or cancelled
    reason         TEXT,
    decided_by     TEXT,
    -- up to whom the recipients are written down: a seat in the order of registering, or an account
    listed_to_time TEXT,
    listed_to_id   TEXT,
    all_listed     INTEGER NOT NULL DEFAULT 0 CHECK (all_listed IN (0, 1)),
    -- whether the feeder has something to do with it
    at_work        INTEGER NOT NULL DEFAULT 0 CHECK (at_work IN (0, 1)),
    -- until when mails were handed to the queue; with the rate it says how many may follow
    fed_at         TEXT,
    -- what was last told of its progress, and when
    told_at        TEXT,
    told           TEXT,
    requested_at   TEXT NOT NULL,
    started_at     TEXT,
    finished_at    TEXT,
    updated_at     TEXT NOT NULL,
    CONSTRAINT campaigns_approved_have_an_audience
        CHECK (status NOT IN ('approved', 'sending', 'paused', 'sent') OR (audience IS NOT NULL AND send_at IS NOT NULL))
) STRICT;
CREATE INDEX campaigns_by_event ON campaigns (event_id, id);
CREATE INDEX campaigns_by_candidate ON campaigns (candidate_id);
CREATE INDEX campaigns_by_requester ON campaigns (requested_by, id);
CREATE INDEX campaigns_at_work ON campaigns (id) WHERE at_work;

-- One row for each who gets one; the links in the mail name it, and its message in the queue has its id.
CREATE TABLE campaign_deliveries (
    id          TEXT NOT NULL PRIMARY KEY,
    campaign_id TEXT NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    -- whose vote the link gives, and the account where there is one
    attendee_id TEXT,
    user_id     TEXT,
    name        TEXT NOT NULL,
    email       TEXT NOT NULL,
    email_key   TEXT NOT NULL,
    -- waiting until it is handed to the queue
    status      TEXT NOT NULL CHECK (status IN ('waiting', 'queued', 'sent', 'failed', 'skipped')),
    -- why it failed or was skipped
    error       TEXT,
    finished_at TEXT,
    CONSTRAINT campaign_deliveries_once UNIQUE (campaign_id, email_key)
) STRICT;
CREATE INDEX campaign_deliveries_by_status ON campaign_deliveries (campaign_id, status, id);
CREATE INDEX campaign_deliveries_by_user ON campaign_deliveries (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX campaign_deliveries_by_attendee ON campaign_deliveries (attendee_id) WHERE attendee_id IS NOT NULL;

-- Addresses that get no campaigns, under the server's key: a row does not say whose it is, and outlives the account.
CREATE TABLE suppressions (
    address_mac TEXT NOT NULL,
    reason      TEXT NOT NULL CHECK (reason IN ('unsubscribed', 'bounced')),
    since       TEXT NOT NULL,
    -- each is taken back by itself
    PRIMARY KEY (address_mac, reason)
) STRICT;
