-- Further roles, made of the permission catalogue.

INSERT INTO roles (name, description, built_in) VALUES
    ('reviewer', 'Reviews campaigns and chooses speakers.', FALSE),
    ('door-staff', 'Checks people in at any event.', FALSE),
    ('support', 'Helps people with their accounts and registrations.', FALSE);

INSERT INTO role_permissions (role_name, permission) VALUES
    ('reviewer', 'campaign:review'),
    ('reviewer', 'speaker:select'),
    ('door-staff', 'checkin:scan'),
    ('support', 'attendee:read:any'),
    ('support', 'registration:read:any'),
    ('support', 'user:manage');
