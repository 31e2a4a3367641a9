DROP TABLE waitlist_log;
DROP TABLE waitlist_entries;
DROP TABLE registrations;
DROP TABLE events;
