-- What a person wants to be told, and how.
ALTER TABLE users ADD COLUMN phone_verified_at TEXT;
ALTER TABLE users ADD COLUMN email_reminders INTEGER NOT NULL DEFAULT 1 CHECK (email_reminders IN (0, 1));
-- only to a number that was proven
ALTER TABLE users ADD COLUMN text_messages INTEGER NOT NULL DEFAULT 0
    CONSTRAINT users_texts_to_proven_phone CHECK (text_messages IN (0, 1) AND (text_messages = 0 OR (phone IS NOT NULL AND phone_verified_at IS NOT NULL)));

-- The code that was sent to a person's number last; kept under the server's key, good for a while and for one use.
CREATE TABLE phone_codes (
    user_id    TEXT NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    phone      TEXT NOT NULL,
    code_hash  TEXT NOT NULL,
    -- tries, charged before the code is compared
    code_tries INTEGER NOT NULL CHECK (code_tries BETWEEN 0 AND 5),
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT;
CREATE INDEX phone_codes_by_end ON phone_codes (expires_at);

-- How many codes went to a number lately, whoever asked: apart from the accounts, so that they are counted when those are
-- erased. A row says neither whose number it is nor which; it is forgotten after a day.
CREATE TABLE phone_code_sends (
    id         TEXT NOT NULL PRIMARY KEY,
    -- the number under the server's key
    number_mac TEXT NOT NULL,
    sent_at    TEXT NOT NULL
) STRICT;
CREATE INDEX phone_code_sends_by_number ON phone_code_sends (number_mac, sent_at);
