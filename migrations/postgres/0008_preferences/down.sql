DROP TABLE phone_code_sends;
DROP TABLE phone_codes;
ALTER TABLE users DROP COLUMN text_messages;
ALTER TABLE users DROP COLUMN email_reminders;
ALTER TABLE users DROP COLUMN phone_verified_at;
