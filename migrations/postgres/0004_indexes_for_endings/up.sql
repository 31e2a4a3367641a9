-- For what ends: deleting an event looks for all its entries, ended ones too, and the sweep looks for events that are over.

CREATE INDEX waitlist_entries_by_event ON waitlist_entries (event_id);
CREATE INDEX events_to_complete ON events (ends_at) WHERE status = 'published';
