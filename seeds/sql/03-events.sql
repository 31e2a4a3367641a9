-- Events in every state, organised by the two organizers, with a few registrations.
-- local_date is the date of the start in the event's own zone; search_key and place_key are folded text.

INSERT INTO attendees (id, user_id, name, name_key, email, email_key, phone, created_by,
                       created_at, updated_at) VALUES
    ('01900000-0000-7000-8000-000000000211', NULL, 'Ines Costa', 'ines costa', 'ines@guests.podium.example', 'ines@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000102', '{{now-30d}}', '{{now-30d}}'),
    ('01900000-0000-7000-8000-000000000212', NULL, 'Jonas Weber', 'jonas weber', 'jonas@guests.podium.example', 'jonas@guests.podium.example',
     NULL, '01900000-0000-7000-8000-000000000103', '{{now-29d}}', '{{now-29d}}');

-- A draft: only its managers see it.
INSERT INTO events (
    id, organizer_id, status, title, description, agenda, search_key, format, location, place_key,
    stream_url, stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
    waitlist_length, next_rank, fee_amount, fee_currency, refund_until_hours, registration_opens_at,
    registration_closes_at, voting_opens_at, voting_closes_at, live_results, edit_version, seats_version,
    published_at, cancelled_at, cancel_reason, created_at, updated_at
) VALUES (
    '01900000-0000-7000-8000-000000000301', '01900000-0000-7000-8000-000000000102', 'draft',
    'Databases Under Load',
    'A day on what happens to a database when everybody comes at once.',
    'Talks in the morning, a workshop in the afternoon.',
    'databases under load a day on what happens to a database when everybody comes at once.',
    'in_person', 'Harbour Hall, Kochi', 'harbour hall, kochi',
    NULL, 'idle', '{{now+1440h}}', '{{now+1448h}}', 'Asia/Kolkata', '{{date+1440h Asia/Kolkata}}', 120, 0, TRUE,
    0, 1048576, 0, NULL, 24, NULL,
    NULL, NULL, NULL, FALSE, 1, 1,
    NULL, NULL, NULL, '{{now-12d}}', '{{now-12d}}'
);

-- Published and ahead, free of charge.
INSERT INTO events (
    id, organizer_id, status, title, description, agenda, search_key, format, location, place_key,
    stream_url, stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
    waitlist_length, next_rank, fee_amount, fee_currency, refund_until_hours, registration_opens_at,
    registration_closes_at, voting_opens_at, voting_closes_at, live_results, edit_version, seats_version,
    published_at, cancelled_at, cancel_reason, created_at, updated_at
) VALUES (
    '01900000-0000-7000-8000-000000000302', '01900000-0000-7000-8000-000000000102', 'published',
    'Systems Meetup',
    'Three short talks about systems that stay up, and time to talk.',
    '18:00 doors, 18:30 talks, 20:00 food.',
    'systems meetup three short talks about systems that stay up, and time to talk.',
    'in_person', 'Library Auditorium, Bengaluru', 'library auditorium, bengaluru',
    NULL, 'idle', '{{now+480h}}', '{{now+483h}}', 'Asia/Kolkata', '{{date+480h Asia/Kolkata}}', 80, 3, TRUE,
    0, 1048576, 0, NULL, 24, NULL,
    NULL, NULL, NULL, FALSE, 2, 4,
    '{{now-25d}}', NULL, NULL, '{{now-26d}}', '{{now-25d}}'
);

-- Published and virtual: no place, a stream instead.
INSERT INTO events (
    id, organizer_id, status, title, description, agenda, search_key, format, location, place_key,
    stream_url, stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
    waitlist_length, next_rank, fee_amount, fee_currency, refund_until_hours, registration_opens_at,
    registration_closes_at, voting_opens_at, voting_closes_at, live_results, edit_version, seats_version,
    published_at, cancelled_at, cancel_reason, created_at, updated_at
) VALUES (
    '01900000-0000-7000-8000-000000000303', '01900000-0000-7000-8000-000000000103', 'published',
    'Accessible by Design',
    'An online evening on building for everybody from the start.',
    NULL,
    'accessible by design an online evening on building for everybody from the start.',
    'virtual', NULL, NULL,
    'https://stream.podium.example/accessible-by-design', 'idle', '{{now+720h}}', '{{now+722h}}', 'UTC', '{{date+720h}}', 500, 1, FALSE,
    0, 1048576, 0, NULL, 24, NULL,
    NULL, NULL, NULL, FALSE, 2, 2,
    '{{now-20d}}', NULL, NULL, '{{now-21d}}', '{{now-20d}}'
);

-- Published, with the vote for its speaker open.
INSERT INTO events (
    id, organizer_id, status, title, description, agenda, search_key, format, location, place_key,
    stream_url, stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
    waitlist_length, next_rank, fee_amount, fee_currency, refund_until_hours, registration_opens_at,
    registration_closes_at, voting_opens_at, voting_closes_at, live_results, edit_version, seats_version,
    published_at, cancelled_at, cancel_reason, created_at, updated_at
) VALUES (
    '01900000-0000-7000-8000-000000000304', '01900000-0000-7000-8000-000000000103', 'published',
    'Speakers Choice',
    'Whoever takes part votes for the speaker of the evening.',
    'The winner''s talk, then questions.',
    'speakers choice whoever takes part votes for the speaker of the evening.',
    'hybrid', 'Kulturhaus, Berlin', 'kulturhaus, berlin',
    'https://stream.podium.example/speakers-choice', 'idle', '{{now+336h}}', '{{now+340h}}', 'Europe/Berlin', '{{date+336h Europe/Berlin}}', 60, 4, TRUE,
    0, 1048576, 0, NULL, 24, NULL,
    NULL, '{{now-1d}}', '{{now+10d}}', TRUE, 2, 5,
    '{{now-18d}}', NULL, NULL, '{{now-19d}}', '{{now-18d}}'
);

-- Cancelled: nobody holds a seat any more.
INSERT INTO events (
    id, organizer_id, status, title, description, agenda, search_key, format, location, place_key,
    stream_url, stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
    waitlist_length, next_rank, fee_amount, fee_currency, refund_until_hours, registration_opens_at,
    registration_closes_at, voting_opens_at, voting_closes_at, live_results, edit_version, seats_version,
    published_at, cancelled_at, cancel_reason, created_at, updated_at
) VALUES (
    '01900000-0000-7000-8000-000000000305', '01900000-0000-7000-8000-000000000102', 'cancelled',
    'Monsoon Hack Night',
    'One night, one idea, one prototype.',
    NULL,
    'monsoon hack night one night, one idea, one prototype.',
    'in_person', 'Old Mill, Pune', 'old mill, pune',
    NULL, 'idle', '{{now+240h}}', '{{now+250h}}', 'Asia/Kolkata', '{{date+240h Asia/Kolkata}}', 40, 0, TRUE,
    0, 1048576, 0, NULL, 24, NULL,
    NULL, NULL, NULL, FALSE, 3, 4,
    '{{now-22d}}', '{{now-5d}}', 'The venue is under water.', '{{now-23d}}', '{{now-5d}}'
);

-- Completed: two people came, one did not.
INSERT INTO events (
    id, organizer_id, status, title, description, agenda, search_key, format, location, place_key,
    stream_url, stream_status, starts_at, ends_at, time_zone, local_date, capacity, seats_taken, waitlist_enabled,
    waitlist_length, next_rank, fee_amount, fee_currency, refund_until_hours, registration_opens_at,
    registration_closes_at, voting_opens_at, voting_closes_at, live_results, edit_version, seats_version,
    published_at, cancelled_at, cancel_reason, created_at, updated_at
) VALUES (
    '01900000-0000-7000-8000-000000000306', '01900000-0000-7000-8000-000000000103', 'completed',
    'Winter Retrospective',
    'What the year taught us, told by those who were there.',
    NULL,
    'winter retrospective what the year taught us, told by those who were there.',
    'in_person', 'Town Library, Hamburg', 'town library, hamburg',
    NULL, 'idle', '{{now-480h}}', '{{now-477h}}', 'Europe/Berlin', '{{date-480h Europe/Berlin}}', 50, 3, TRUE,
    0, 1048576, 0, NULL, 24, NULL,
    NULL, NULL, NULL, FALSE, 3, 6,
    '{{now-45d}}', NULL, NULL, '{{now-46d}}', '{{now-20d}}'
);

INSERT INTO registrations (id, event_id, attendee_id, status, registered_by, registered_at, checked_in_at,
                           hold_expires_at, ended_at) VALUES
    ('01900000-0000-7000-8000-000000000401', '01900000-0000-7000-8000-000000000302', '01900000-0000-7000-8000-000000000204', 'confirmed',
     '01900000-0000-7000-8000-000000000104', '{{now-24d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000402', '01900000-0000-7000-8000-000000000302', '01900000-0000-7000-8000-000000000205', 'confirmed',
     '01900000-0000-7000-8000-000000000105', '{{now-23d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000403', '01900000-0000-7000-8000-000000000302', '01900000-0000-7000-8000-000000000211', 'confirmed',
     '01900000-0000-7000-8000-000000000102', '{{now-22d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000404', '01900000-0000-7000-8000-000000000303', '01900000-0000-7000-8000-000000000205', 'confirmed',
     '01900000-0000-7000-8000-000000000105', '{{now-19d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000405', '01900000-0000-7000-8000-000000000304', '01900000-0000-7000-8000-000000000204', 'confirmed',
     '01900000-0000-7000-8000-000000000104', '{{now-17d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000406', '01900000-0000-7000-8000-000000000304', '01900000-0000-7000-8000-000000000205', 'confirmed',
     '01900000-0000-7000-8000-000000000105', '{{now-16d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000407', '01900000-0000-7000-8000-000000000304', '01900000-0000-7000-8000-000000000211', 'confirmed',
     '01900000-0000-7000-8000-000000000103', '{{now-15d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000408', '01900000-0000-7000-8000-000000000304', '01900000-0000-7000-8000-000000000212', 'confirmed',
     '01900000-0000-7000-8000-000000000103', '{{now-14d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000409', '01900000-0000-7000-8000-000000000305', '01900000-0000-7000-8000-000000000204', 'cancelled',
     '01900000-0000-7000-8000-000000000104', '{{now-20d}}', NULL, NULL, '{{now-5d}}'),
    ('01900000-0000-7000-8000-000000000410', '01900000-0000-7000-8000-000000000305', '01900000-0000-7000-8000-000000000205', 'cancelled',
     '01900000-0000-7000-8000-000000000105', '{{now-19d}}', NULL, NULL, '{{now-5d}}'),
    ('01900000-0000-7000-8000-000000000411', '01900000-0000-7000-8000-000000000306', '01900000-0000-7000-8000-000000000204', 'attended',
     '01900000-0000-7000-8000-000000000104', '{{now-39d}}', '{{now-480h}}', NULL, NULL),
    ('01900000-0000-7000-8000-000000000412', '01900000-0000-7000-8000-000000000306', '01900000-0000-7000-8000-000000000205', 'confirmed',
     '01900000-0000-7000-8000-000000000105', '{{now-38d}}', NULL, NULL, NULL),
    ('01900000-0000-7000-8000-000000000413', '01900000-0000-7000-8000-000000000306', '01900000-0000-7000-8000-000000000212', 'attended',
     '01900000-0000-7000-8000-000000000103', '{{now-29d}}', '{{now-480h}}', NULL, NULL);
