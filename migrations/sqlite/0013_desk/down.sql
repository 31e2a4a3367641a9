DROP INDEX registrations_by_check_in;
DROP INDEX registrations_by_age;
DROP INDEX registrations_by_standing;
DROP TABLE mailings;
