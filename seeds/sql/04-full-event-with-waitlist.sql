-- An event whose five seats are all taken, and three people who wait for one, in the order in which they joined.

INSERT INTO attendees (id, user_id, name, name_key, email, email_key, phone, created_by,
                       created_at, updated_at) VALUES
    ('01900000-0000-7000-8000-000000000221', NULL, 'Amara Okafor', 'amara okafor', 'amara@guests.podium.example', 'amara@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000102', '{{now-14d}}', '{{now-14d}}'),
    ('01900000-0000-7000-8000-000000000222', NULL, 'Bilal Khan', 'bilal khan', 'bilal@guests.podium.example', 'bilal@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000102', '{{now-14d}}', '{{now-14d}}'),
    ('01900000-0000-7000-8000-000000000223', NULL, 'Chen Wei', 'chen wei', 'chen@guests.podium.example', 'chen@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000102', '{{now-14d}}', '{{now-14d}}'),
    ('01900000-0000-7000-8000-000000000224', NULL, 'Dora Novak', 'dora novak', 'dora@guests.podium.example', 'dora@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000102', '{{now-14d}}', '{{now-14d}}'),
    ('01900000-0000-7000-8000-000000000225', NULL, 'Emil Larsen', 'emil larsen', 'emil@guests.podium.example', 'emil@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000102', '{{now-14d}}', '{{now-14d}}'),
    ('01900000-0000-7000-8000-000000000226', NULL, 'Farah Aziz', 'farah aziz', 'farah@guests.podium.example', 'farah@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000102', '{{now-14d}}', '{{now-14d}}');

INSERT INTO events (
    id, organizer_id, status, title, description, agenda, search_key, format, location, place_key,
    stream_url, stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
    waitlist_length, next_rank, fee_amount, fee_currency, refund_until_hours, registration_opens_at,
    registration_closes_at, voting_opens_at, voting_closes_at, live_results, edit_version, seats_version,
    published_at, cancelled_at, cancel_reason, created_at, updated_at
) VALUES (
    '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000102', 'published',
    'Kernel Reading Group',
    'Eight pages an evening, read aloud and taken apart.',
    NULL,
    'kernel reading group eight pages an evening, read aloud and taken apart.',
    'in_person', 'Reading Room, Chennai', 'reading room, chennai',
    NULL, 'idle', '{{now+168h}}', '{{now+170h}}', 'Asia/Kolkata', '{{date+168h Asia/Kolkata}}', 5, 5, TRUE,
    3, 4194304, 0, NULL, 24, NULL,
    NULL, NULL, NULL, FALSE, 2, 9,
    '{{now-15d}}', NULL, NULL, '{{now-16d}}', '{{now-15d}}'
);

INSERT INTO registrations (id, event_id, attendee_id, status, registered_by, registered_at, checked_in_at,
                           hold_expires_at, ended_at) VALUES
    ('01900000-0000-7000-8000-000000000421', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000221', 'confirmed',
     '01900000-0000-7000-8000-000000000102', '{{now-335h}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000422', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000222', 'confirmed',
     '01900000-0000-7000-8000-000000000102', '{{now-334h}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000423', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000223', 'confirmed',
     '01900000-0000-7000-8000-000000000102', '{{now-333h}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000424', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000224', 'confirmed',
     '01900000-0000-7000-8000-000000000102', '{{now-332h}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000425', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000204', 'confirmed',
     '01900000-0000-7000-8000-000000000104', '{{now-331h}}', NULL, NULL, NULL);

INSERT INTO waitlist_entries (id, event_id, attendee_id, status, rank, joined_at, offer_expires_at, ended_at) VALUES
    ('01900000-0000-7000-8000-000000000521', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000225', 'waiting', 1048576,
     '{{now-72h}}', NULL, NULL),
    ('01900000-0000-7000-8000-000000000522', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000205', 'waiting', 2097152,
     '{{now-48h}}', NULL, NULL),
    ('01900000-0000-7000-8000-000000000523', '01900000-0000-7000-8000-000000000321', '01900000-0000-7000-8000-000000000226', 'waiting', 3145728,
     '{{now-24h}}', NULL, NULL);

INSERT INTO waitlist_log (id, entry_id, at, action, actor_id, reason, rank, event_id, number) VALUES
    ('01900000-0000-7000-8000-000000000621', '01900000-0000-7000-8000-000000000521', '{{now-72h}}', 'joined',
     '01900000-0000-7000-8000-000000000102', NULL, 1048576, '01900000-0000-7000-8000-000000000321', 1),
    ('01900000-0000-7000-8000-000000000622', '01900000-0000-7000-8000-000000000522', '{{now-48h}}', 'joined',
     '01900000-0000-7000-8000-000000000105', NULL, 2097152, '01900000-0000-7000-8000-000000000321', 2),
    ('01900000-0000-7000-8000-000000000623', '01900000-0000-7000-8000-000000000523', '{{now-24h}}', 'joined',
     '01900000-0000-7000-8000-000000000102', NULL, 3145728, '01900000-0000-7000-8000-000000000321', 3);
