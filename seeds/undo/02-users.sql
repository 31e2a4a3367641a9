-- The other three may have become attendees since, by registering: such a row goes by its account.
DELETE FROM attendees WHERE user_id IN (
    '01900000-0000-7000-8000-000000000101',
    '01900000-0000-7000-8000-000000000102',
    '01900000-0000-7000-8000-000000000103',
    '01900000-0000-7000-8000-000000000104',
    '01900000-0000-7000-8000-000000000105'
);
-- Roles, sessions and idempotency rows go with their user.
DELETE FROM users WHERE id IN (
    '01900000-0000-7000-8000-000000000101',
    '01900000-0000-7000-8000-000000000102',
    '01900000-0000-7000-8000-000000000103',
    '01900000-0000-7000-8000-000000000104',
    '01900000-0000-7000-8000-000000000105'
);
-- The server keeps words of those who are found by them.
DELETE FROM attendee_words WHERE attendee_id NOT IN (SELECT id FROM attendees);
