DROP INDEX events_to_complete;
DROP INDEX waitlist_entries_by_event;
