//! Writes what a batch gathered: each kind in one statement. Whatever is not written as it was decided breaks the batch.

use super::tray::{Answered, Ended, Read, ToWrite};
use crate::Tx;
use crate::attendee_words::Keys;
use crate::columns::sql::{Document, Id, Instant};
use crate::columns::{Doc, Ts, Uid};
use crate::outbox::OutboxRow;
use crate::prepared::Prepared;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, SmallInt, Text};
use kernel::{EventId, StoreError};
use registration::Registration;
use std::collections::{BTreeSet, HashMap};
use user::Attendee;
use waitlist::{EntryLogLine, EntryStatus, WaitlistEntry};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    #[expect(dead_code, reason = "rows are counted")]
    one: i32,
}

#[derive(QueryableByName)]
struct LastNumber {
    #[diesel(sql_type = Id)]
    event_id: Uid,
    #[diesel(sql_type = BigInt)]
    number: i64,
}

const SEATS: &str = "UPDATE events SET seats_taken = seats_taken + c.taken, waitlist_length = waitlist_length + c.waiting, \
     next_rank = next_rank + c.ranks, seats_version = seats_version + c.changes \
     FROM unnest($1, $2, $3, $4, $5) AS c(id, taken, waiting, ranks, changes) \
     WHERE events.id = c.id AND events.seats_taken + c.taken BETWEEN 0 AND events.capacity RETURNING 1 AS one";

/// Accounts that are still as they were read, and stay so.
const ACCOUNTS: &str = "SELECT 1 AS one FROM unnest($1, $2, $3) AS asked(id, name, email_key) \
     JOIN users u ON u.id = asked.id AND u.name = asked.name AND u.email_key = asked.email_key AND u.erased_at IS NULL \
     ORDER BY u.id FOR SHARE OF u";

/// In one order of the addresses: two batches that make the same people wait for each other one way round.
const ATTENDEES: &str = "INSERT INTO attendees (id, user_id, name, name_key, email, email_key, created_by, created_at, updated_at, words_kept) \
     SELECT id, user_id, name, name_key, email, email_key, created_by, at, at, TRUE \
     FROM unnest($1, $2, $3, $4, $5, $6, $7, $8) AS n(id, user_id, name, name_key, email, email_key, created_by, at) \
     ORDER BY email_key RETURNING 1 AS one";

const WORDS: &str = "INSERT INTO attendee_words (word, attendee_id) SELECT word, id FROM unnest($1, $2) AS n(word, id) RETURNING 1 AS one";

const REGISTRATIONS: &str = "INSERT INTO registrations (id, event_id, attendee_id, status, registered_by, registered_at, ticket_code, \
     checked_in_at, hold_expires_at, ended_at) \
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING 1 AS one";

const ENDED: &str = "UPDATE registrations r SET status = e.status, hold_expires_at = NULL, ended_at = e.at \
     FROM unnest($1, $2, $3, $4) AS e(id, was, status, at) WHERE r.id = e.id AND r.status = e.was RETURNING 1 AS one";

const ENTRIES: &str = "INSERT INTO waitlist_entries (id, event_id, attendee_id, status, rank, joined_at) \
     SELECT id, event_id, attendee_id, status, rank, at \
     FROM unnest($1, $2, $3, $4, $5, $6) AS n(id, event_id, attendee_id, status, rank, at) RETURNING 1 AS one";

const ENDED_ENTRIES: &str = "UPDATE waitlist_entries w SET status = e.status, offer_expires_at = NULL, ended_at = e.at \
     FROM unnest($1, $2, $3) AS e(id, status, at) WHERE w.id = e.id AND w.status = 'waiting' RETURNING 1 AS one";

const LAST_NUMBERS: &str = "SELECT asked.event_id, coalesce((SELECT max(l.number) FROM waitlist_log l WHERE l.event_id = asked.event_id), 0) AS number \
     FROM unnest($1) AS asked(event_id)";

const LINES: &str = "INSERT INTO waitlist_log (id, entry_id, at, action, actor_id, reason, rank, event_id, number) \
     SELECT id, entry_id, at, action, actor_id, reason, rank, event_id, number \
     FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS n(id, entry_id, at, action, actor_id, reason, rank, event_id, number) RETURNING 1 AS one";

const ANSWERS: &str = "INSERT INTO idempotency_keys (user_id, route, key, fingerprint, status, location, etag, body, created_at) \
     SELECT user_id, route, key, fingerprint, status, location, etag, body, at \
     FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9) AS n(user_id, route, key, fingerprint, status, location, etag, body, at) \
     ON CONFLICT DO NOTHING RETURNING 1 AS one";

/// What was asked for before is dropped.
const OUTBOX: &str = "INSERT INTO outbox (id, channel, kind, recipient_key, occasion, topic, payload, priority, status, due_at, not_after, \
     created_at, user_id, medium) \
     SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING RETURNING 1 AS one";

impl Tx<'_> {
    /// Writes all of it. The events are locked.
    pub(super) fn write_batch(&mut self, read: &Read, to_write: ToWrite) -> Result<(), StoreError> {
        self.write_seats(read)?;
        self.write_attendees(&to_write.attendees)?;
        self.write_ended(&to_write.ended)?;
        self.write_registrations(&to_write.registrations)?;
        self.write_entries(&to_write.entries)?;
        self.write_ended_entries(&to_write.ended_entries)?;
        self.write_lines(&to_write.lines)?;
        self.write_answers(&to_write.answers)?;
        self.outbox = to_write.outbox;
        self.texts = to_write.texts;
        self.add_text_copies()?;
        let rows = std::mem::take(&mut self.outbox);
        self.write_outbox_rows(&rows)
    }

    /// As many rows as were wanted, or somebody else was in the way.
    fn all(&mut self, wanted: usize, written: &[Row]) -> Result<(), StoreError> {
        if written.len() == wanted {
            Ok(())
        } else {
            Err(self.contend("the batch is not as it was decided".to_owned()))
        }
    }

    fn write_seats(&mut self, read: &Read) -> Result<(), StoreError> {
        let changed: Vec<_> = read
            .events
            .values()
            .flatten()
            .filter(|event| event.changes > 0)
            .collect();
        if changed.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uid> = changed.iter().map(|event| Uid::of(event.seats.id)).collect();
        let taken: Vec<i32> = changed.iter().map(|event| event.change.taken).collect();
        let waiting: Vec<i32> = changed.iter().map(|event| event.change.waiting).collect();
        let ranks: Vec<i64> = changed.iter().map(|event| event.change.ranks).collect();
        let versions: Vec<i64> = changed.iter().map(|event| event.changes).collect();
        let query = diesel::sql_query(SEATS)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Integer>, _>(&taken)
            .bind::<Array<Integer>, _>(&waiting)
            .bind::<Array<BigInt>, _>(&ranks)
            .bind::<Array<BigInt>, _>(&versions);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)
    }

    fn write_attendees(&mut self, attendees: &[Attendee]) -> Result<(), StoreError> {
        if attendees.is_empty() {
            return Ok(());
        }
        let keys: Vec<Keys> = attendees.iter().map(Keys::of).collect();
        let ids: Vec<Uid> = keys.iter().map(|keys| keys.id).collect();
        let users: Vec<Option<Uid>> = attendees.iter().map(|one| one.user_id.map(Uid::of)).collect();
        let names: Vec<&str> = attendees.iter().map(|one| one.name.as_str()).collect();
        let name_keys: Vec<&str> = keys.iter().map(|keys| keys.name_key.as_str()).collect();
        let emails: Vec<&str> = attendees.iter().map(|one| one.email.as_str()).collect();
        let email_keys: Vec<&str> = keys.iter().map(|keys| keys.email_key.as_str()).collect();
        let creators: Vec<Option<Uid>> = attendees.iter().map(|one| one.created_by.map(Uid::of)).collect();
        let at: Vec<Ts> = attendees.iter().map(|one| Ts(one.created_at)).collect();
        let query = diesel::sql_query(ACCOUNTS)
            .bind::<Array<Nullable<Id>>, _>(&users)
            .bind::<Array<Text>, _>(&names)
            .bind::<Array<Text>, _>(&email_keys);
        let held = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &held)?;
        let query = diesel::sql_query(ATTENDEES)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Nullable<Id>>, _>(&users)
            .bind::<Array<Text>, _>(&names)
            .bind::<Array<Text>, _>(&name_keys)
            .bind::<Array<Text>, _>(&emails)
            .bind::<Array<Text>, _>(&email_keys)
            .bind::<Array<Nullable<Id>>, _>(&creators)
            .bind::<Array<Instant>, _>(&at);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)?;
        let words: Vec<(String, Uid)> = keys
            .iter()
            .flat_map(|keys| keys.words().into_iter().map(|word| (word, keys.id)))
            .collect();
        let (words, ids): (Vec<String>, Vec<Uid>) = words.into_iter().unzip();
        let query = diesel::sql_query(WORDS)
            .bind::<Array<Text>, _>(&words)
            .bind::<Array<Id>, _>(&ids);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)
    }

    fn write_ended(&mut self, ended: &[Ended]) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uid> = ended.iter().map(|one| Uid::of(one.id)).collect();
        let was: Vec<&str> = ended.iter().map(|one| one.was.as_str()).collect();
        let status: Vec<&str> = ended.iter().map(|one| one.status.as_str()).collect();
        let at: Vec<Ts> = ended.iter().map(|one| Ts(one.at)).collect();
        let query = diesel::sql_query(ENDED)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Text>, _>(&was)
            .bind::<Array<Text>, _>(&status)
            .bind::<Array<Instant>, _>(&at);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)?;
        // Somebody may have voted with one of these seats after it was looked.
        let seats: Vec<_> = ended.iter().map(|one| (one.event_id, one.attendee_id)).collect();
        let tied = self.tied(&seats)?;
        if tied.is_empty() {
            Ok(())
        } else {
            Err(self.contend("something stands on a seat by now".to_owned()))
        }
    }

    fn write_registrations(&mut self, registrations: &[Registration]) -> Result<(), StoreError> {
        if registrations.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uid> = registrations.iter().map(|one| Uid::of(one.id)).collect();
        let events: Vec<Uid> = registrations.iter().map(|one| Uid::of(one.event_id)).collect();
        let attendees: Vec<Uid> = registrations.iter().map(|one| Uid::of(one.attendee_id)).collect();
        let status: Vec<&str> = registrations.iter().map(|one| one.status.as_str()).collect();
        let by: Vec<Option<Uid>> = registrations
            .iter()
            .map(|one| one.registered_by.map(Uid::of))
            .collect();
        let at: Vec<Ts> = registrations.iter().map(|one| Ts(one.registered_at)).collect();
        let codes: Vec<&str> = registrations.iter().map(|one| one.ticket_code.as_str()).collect();
        let checked_in: Vec<Option<Ts>> = registrations
            .iter()
            .map(|one| one.checked_in_at.map(Ts))
            .collect();
        let held: Vec<Option<Ts>> = registrations
            .iter()
            .map(|one| one.hold_expires_at.map(Ts))
            .collect();
        let ended: Vec<Option<Ts>> = registrations.iter().map(|one| one.ended_at.map(Ts)).collect();
        let query = diesel::sql_query(REGISTRATIONS)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Id>, _>(&events)
            .bind::<Array<Id>, _>(&attendees)
            .bind::<Array<Text>, _>(&status)
            .bind::<Array<Nullable<Id>>, _>(&by)
            .bind::<Array<Instant>, _>(&at)
            .bind::<Array<Text>, _>(&codes)
            .bind::<Array<Nullable<Instant>>, _>(&checked_in)
            .bind::<Array<Nullable<Instant>>, _>(&held)
            .bind::<Array<Nullable<Instant>>, _>(&ended);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)
    }

    fn write_entries(&mut self, entries: &[WaitlistEntry]) -> Result<(), StoreError> {
        if entries.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uid> = entries.iter().map(|one| Uid::of(one.id)).collect();
        let events: Vec<Uid> = entries.iter().map(|one| Uid::of(one.event_id)).collect();
        let attendees: Vec<Uid> = entries.iter().map(|one| Uid::of(one.attendee_id)).collect();
        let status: Vec<&str> = entries.iter().map(|one| one.status.as_str()).collect();
        let ranks: Vec<i64> = entries.iter().map(|one| one.rank).collect();
        let at: Vec<Ts> = entries.iter().map(|one| Ts(one.joined_at)).collect();
        let query = diesel::sql_query(ENTRIES)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Id>, _>(&events)
            .bind::<Array<Id>, _>(&attendees)
            .bind::<Array<Text>, _>(&status)
            .bind::<Array<BigInt>, _>(&ranks)
            .bind::<Array<Instant>, _>(&at);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)
    }

    fn write_ended_entries(
        &mut self,
        ended: &[(kernel::WaitlistEntryId, EntryStatus, kernel::Instant)],
    ) -> Result<(), StoreError> {
        if ended.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uid> = ended.iter().map(|(id, ..)| Uid::of(*id)).collect();
        let status: Vec<&str> = ended.iter().map(|(_, status, _)| status.as_str()).collect();
        let at: Vec<Ts> = ended.iter().map(|(.., at)| Ts(*at)).collect();
        let query = diesel::sql_query(ENDED_ENTRIES)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Text>, _>(&status)
            .bind::<Array<Instant>, _>(&at);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)
    }

    /// The lines of each event have the numbers after its last.
    fn write_lines(&mut self, lines: &[EntryLogLine]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        let events: BTreeSet<Uid> = lines.iter().map(|line| Uid::of(line.event_id)).collect();
        let events: Vec<Uid> = events.into_iter().collect();
        let last: Vec<LastNumber> = self
            .postgres(|c| Prepared(diesel::sql_query(LAST_NUMBERS).bind::<Array<Id>, _>(&events)).load(c))?;
        let mut last: HashMap<EventId, i64> = last
            .into_iter()
            .map(|last| (last.event_id.typed(), last.number))
            .collect();
        let numbers: Vec<i64> = lines
            .iter()
            .map(|line| {
                let number = last.entry(line.event_id).or_default();
                *number += 1;
                *number
            })
            .collect();
        let ids: Vec<Uid> = lines.iter().map(|line| Uid::of(line.id)).collect();
        let entries: Vec<Uid> = lines.iter().map(|line| Uid::of(line.entry_id)).collect();
        let at: Vec<Ts> = lines.iter().map(|line| Ts(line.at)).collect();
        let actions: Vec<&str> = lines.iter().map(|line| line.action.as_str()).collect();
        let actors: Vec<Option<Uid>> = lines.iter().map(|line| line.actor_id.map(Uid::of)).collect();
        let reasons: Vec<Option<&str>> = lines.iter().map(|line| line.reason.as_deref()).collect();
        let ranks: Vec<i64> = lines.iter().map(|line| line.rank).collect();
        let events: Vec<Uid> = lines.iter().map(|line| Uid::of(line.event_id)).collect();
        let query = diesel::sql_query(LINES)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Id>, _>(&entries)
            .bind::<Array<Instant>, _>(&at)
            .bind::<Array<Text>, _>(&actions)
            .bind::<Array<Nullable<Id>>, _>(&actors)
            .bind::<Array<Nullable<Text>>, _>(&reasons)
            .bind::<Array<BigInt>, _>(&ranks)
            .bind::<Array<Id>, _>(&events)
            .bind::<Array<BigInt>, _>(&numbers);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(ids.len(), &written)
    }

    /// A key that somebody else took meanwhile breaks the batch: who asks again finds their answer.
    fn write_answers(&mut self, answers: &[Answered]) -> Result<(), StoreError> {
        if answers.is_empty() {
            return Ok(());
        }
        let users: Vec<Uid> = answers.iter().map(|one| Uid::of(one.key.user_id)).collect();
        let routes: Vec<&str> = answers.iter().map(|one| one.key.route.as_str()).collect();
        let keys: Vec<&str> = answers.iter().map(|one| one.key.text.as_str()).collect();
        let prints: Vec<&str> = answers.iter().map(|one| one.fingerprint.as_str()).collect();
        let answer = |one: &Answered| one.answer.clone();
        let stored: Vec<_> = answers.iter().map(answer).collect();
        let status: Vec<Option<i16>> = stored
            .iter()
            .map(|one| one.as_ref().map(|one| i16::try_from(one.status).unwrap_or(200)))
            .collect();
        let locations: Vec<Option<&str>> = stored
            .iter()
            .map(|one| one.as_ref()?.location.as_deref())
            .collect();
        let etags: Vec<Option<&str>> = stored.iter().map(|one| one.as_ref()?.etag.as_deref()).collect();
        let bodies: Vec<Option<&str>> = stored
            .iter()
            .map(|one| Some(one.as_ref()?.body.as_str()))
            .collect();
        let at: Vec<Ts> = answers.iter().map(|one| Ts(one.at)).collect();
        let query = diesel::sql_query(ANSWERS)
            .bind::<Array<Id>, _>(&users)
            .bind::<Array<Text>, _>(&routes)
            .bind::<Array<Text>, _>(&keys)
            .bind::<Array<Text>, _>(&prints)
            .bind::<Array<Nullable<SmallInt>>, _>(&status)
            .bind::<Array<Nullable<Text>>, _>(&locations)
            .bind::<Array<Nullable<Text>>, _>(&etags)
            .bind::<Array<Nullable<Text>>, _>(&bodies)
            .bind::<Array<Instant>, _>(&at);
        let written = self.postgres(|c| Prepared(query).load(c))?;
        self.all(users.len(), &written)
    }

    fn write_outbox_rows(&mut self, rows: &[OutboxRow]) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let ids: Vec<Uid> = rows.iter().map(|row| row.id).collect();
        let channels: Vec<&str> = rows.iter().map(|row| row.channel.as_str()).collect();
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
        let recipients: Vec<Option<&str>> = rows.iter().map(|row| row.recipient_key.as_deref()).collect();
        let occasions: Vec<Option<&str>> = rows.iter().map(|row| row.occasion.as_deref()).collect();
        let topics: Vec<Option<&str>> = rows.iter().map(|row| row.topic.as_deref()).collect();
        let payloads: Vec<&Doc> = rows.iter().map(|row| &row.payload).collect();
        let priorities: Vec<i16> = rows.iter().map(|row| row.priority).collect();
        let status: Vec<&str> = rows.iter().map(|row| row.status.as_str()).collect();
        let due: Vec<Ts> = rows.iter().map(|row| row.due_at).collect();
        let not_after: Vec<Option<Ts>> = rows.iter().map(|row| row.not_after).collect();
        let created: Vec<Ts> = rows.iter().map(|row| row.created_at).collect();
        let users: Vec<Option<Uid>> = rows.iter().map(|row| row.user_id).collect();
        let media: Vec<Option<&str>> = rows.iter().map(|row| row.medium.as_deref()).collect();
        let query = diesel::sql_query(OUTBOX)
            .bind::<Array<Id>, _>(&ids)
            .bind::<Array<Text>, _>(&channels)
            .bind::<Array<Text>, _>(&kinds)
            .bind::<Array<Nullable<Text>>, _>(&recipients)
            .bind::<Array<Nullable<Text>>, _>(&occasions)
            .bind::<Array<Nullable<Text>>, _>(&topics)
            .bind::<Array<Document>, _>(&payloads)
            .bind::<Array<SmallInt>, _>(&priorities)
            .bind::<Array<Text>, _>(&status)
            .bind::<Array<Instant>, _>(&due)
            .bind::<Array<Nullable<Instant>>, _>(&not_after)
            .bind::<Array<Instant>, _>(&created)
            .bind::<Array<Nullable<Id>>, _>(&users)
            .bind::<Array<Nullable<Text>>, _>(&media);
        let _written: Vec<Row> = self.postgres(|c| Prepared(query).load(c))?;
        Ok(())
    }
}
