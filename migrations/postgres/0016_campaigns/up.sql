-- Mails that ask for votes: what is asked for and approved, who gets it, and who wants none.

ALTER TABLE users ADD COLUMN campaign_mail boolean NOT NULL DEFAULT false;
CREATE INDEX users_with_campaign_mail ON users (id) WHERE campaign_mail;

CREATE TABLE campaigns (
    id             uuid NOT NULL PRIMARY KEY,
    event_id       uuid NOT NULL REFERENCES events (id),
    candidate_id   uuid NOT NULL REFERENCES candidates (id),
    requested_by   uuid NOT NULL REFERENCES users (id),
    status         text NOT NULL
        CHECK (status IN ('requested', 'approved', 'sending', 'paused', 'sent', 'rejected', 'cancelled')),
    subject        text NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
    body           text NOT NULL,
    -- how the candidate and the talk were called when it was approved, as long as it goes on
    candidate_name text,
    talk_title     text,
    -- whom it goes to, and from when on; once it is approved
    audience       text CHECK (audience IN ('event', 'all')),
    send_at        timestamptz,
    -- why it was rejected, paused or cancelled
    reason         text,
    decided_by     uuid,
    -- up to whom the recipients are written down: a seat in the order of registering, or an account
    listed_to_time timestamptz,
    listed_to_id   uuid,
    all_listed     boolean NOT NULL DEFAULT false,
    -- whether the feeder has something to do with it
    at_work        boolean NOT NULL DEFAULT false,
    -- until when mails were handed to the queue; with the rate it says how many may follow
    fed_at         timestamptz,
    -- what was last told of its progress, and when
    told_at        timestamptz,
    told           text,
    requested_at   timestamptz NOT NULL,
    started_at     timestamptz,
    finished_at    timestamptz,
    updated_at     timestamptz NOT NULL,
    CONSTRAINT campaigns_approved_have_an_audience
        CHECK (status NOT IN ('approved', 'sending', 'paused', 'sent') OR (audience IS NOT NULL AND send_at IS NOT NULL))
);
CREATE INDEX campaigns_by_event ON campaigns (event_id, id);
CREATE INDEX campaigns_by_candidate ON campaigns (candidate_id);
CREATE INDEX campaigns_by_requester ON campaigns (requested_by, id);
CREATE INDEX campaigns_at_work ON campaigns (id) WHERE at_work;

-- One row for each who gets one; the links in the mail name it, and its message in the queue has its id.
CREATE TABLE campaign_deliveries (
    id          uuid NOT NULL PRIMARY KEY,
    campaign_id uuid NOT NULL REFERENCES campaigns (id) ON DELETE CASCADE,
    -- whose vote the link gives, and the account where there is one
    attendee_id uuid,
    user_id     uuid,
    name        text NOT NULL,
    email       text NOT NULL,
    email_key   text NOT NULL,
    -- waiting until it is handed to the queue
    status      text NOT NULL CHECK (status IN ('waiting', 'queued', 'sent', 'failed', 'skipped')),
    -- why it failed or was skipped
    error       text,
    finished_at timestamptz,
    CONSTRAINT campaign_deliveries_once UNIQUE (campaign_id, email_key)
);
CREATE INDEX campaign_deliveries_by_status ON campaign_deliveries (campaign_id, status, id);
CREATE INDEX campaign_deliveries_by_user ON campaign_deliveries (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX campaign_deliveries_by_attendee ON campaign_deliveries (attendee_id) WHERE attendee_id IS NOT NULL;

-- Addresses that get no campaigns, under the server's key: a row does not say whose it is, and outlives the account.
CREATE TABLE suppressions (
    address_mac text NOT NULL,
    reason      text NOT NULL CHECK (reason IN ('unsubscribed', 'bounced')),
    since       timestamptz NOT NULL,
    -- each is taken back by itself
    PRIMARY KEY (address_mac, reason)
);
