DROP INDEX registrations_by_check_in;
DROP TABLE mailings;
