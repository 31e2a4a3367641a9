-- Five people who can sign in, all with the password Podium-demo-2026, and the attendees of those who hold seats.

INSERT INTO users (id, email, email_key, name, name_key, password_hash, phone, profession, bio, avatar_url, time_zone,
                   listed, status, email_verified_at, last_login_at, created_at, updated_at) VALUES
    ('01900000-0000-7000-8000-000000000101', 'admin@podium.example', 'admin@podium.example', 'Anjali Rao', 'anjali rao',
     '$2b$10$EVb2JMHdrBUsj94W0AxyD.Bo5yHU9LWE/EhWcWE/.VR0o3k6Db3m2', NULL, NULL, NULL, NULL, 'Asia/Kolkata',
     FALSE, 'active', '{{now-60d}}', NULL, '{{now-60d}}', '{{now-60d}}'),
    ('01900000-0000-7000-8000-000000000102', 'organizer@podium.example', 'organizer@podium.example', 'Omar Haddad', 'omar haddad',
     '$2b$10$EVb2JMHdrBUsj94W0AxyD.Bo5yHU9LWE/EhWcWE/.VR0o3k6Db3m2', NULL, 'Conference host',
     'Runs the monthly systems meetup.', NULL, 'Asia/Kolkata',
     TRUE, 'active', '{{now-59d}}', NULL, '{{now-59d}}', '{{now-59d}}'),
    ('01900000-0000-7000-8000-000000000103', 'organizer2@podium.example', 'organizer2@podium.example', 'Lena Berg', 'lena berg',
     '$2b$10$EVb2JMHdrBUsj94W0AxyD.Bo5yHU9LWE/EhWcWE/.VR0o3k6Db3m2', NULL, 'Community lead',
     'Brings people who design and people who build together.', NULL, 'Europe/Berlin',
     TRUE, 'active', '{{now-58d}}', NULL, '{{now-58d}}', '{{now-58d}}'),
    ('01900000-0000-7000-8000-000000000104', 'attendee@podium.example', 'attendee@podium.example', 'Tara Singh', 'tara singh',
     '$2b$10$EVb2JMHdrBUsj94W0AxyD.Bo5yHU9LWE/EhWcWE/.VR0o3k6Db3m2', NULL, 'Software engineer',
     NULL, NULL, 'Asia/Kolkata',
     TRUE, 'active', '{{now-50d}}', NULL, '{{now-50d}}', '{{now-50d}}'),
    ('01900000-0000-7000-8000-000000000105', 'attendee2@podium.example', 'attendee2@podium.example', 'Mateo Cruz', 'mateo cruz',
     '$2b$10$EVb2JMHdrBUsj94W0AxyD.Bo5yHU9LWE/EhWcWE/.VR0o3k6Db3m2', NULL, 'Designer',
     NULL, NULL, NULL,
     FALSE, 'active', '{{now-49d}}', NULL, '{{now-49d}}', '{{now-49d}}');

INSERT INTO user_roles (user_id, role_name) VALUES
    ('01900000-0000-7000-8000-000000000101', 'admin'),
    ('01900000-0000-7000-8000-000000000102', 'organizer'),
    ('01900000-0000-7000-8000-000000000103', 'organizer'),
    ('01900000-0000-7000-8000-000000000104', 'attendee'),
    ('01900000-0000-7000-8000-000000000105', 'attendee');

INSERT INTO attendees (id, user_id, name, name_key, email, email_key, phone, created_by,
                       created_at, updated_at) VALUES
    ('01900000-0000-7000-8000-000000000204', '01900000-0000-7000-8000-000000000104', 'Tara Singh', 'tara singh',
     'attendee@podium.example', 'attendee@podium.example', NULL, NULL, '{{now-40d}}', '{{now-40d}}'),
    ('01900000-0000-7000-8000-000000000205', '01900000-0000-7000-8000-000000000105', 'Mateo Cruz', 'mateo cruz',
     'attendee2@podium.example', 'attendee2@podium.example', NULL, NULL, '{{now-39d}}', '{{now-39d}}');
