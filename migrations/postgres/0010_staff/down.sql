DROP TABLE event_staff;
