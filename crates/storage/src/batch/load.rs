//! Reads for a batch what its operations will ask for: each kind in one statement, after the events are locked.

use super::tray::{Key, LockedEvent, Read};
use super::{Lock, Together};
use crate::Tx;
use crate::columns::Uid;
use crate::columns::sql::Id;
use crate::connection::DbConn;
use crate::events::SeatsRow;
use crate::idempotency::KeyRow;
use crate::people::{AccountRow, AttendeeRow};
use crate::prepared::Prepared;
use crate::registrations::{LIVE, RegistrationRow, StandingRow, into_view, view_columns};
use crate::schema::{attendees, events, registrations, users, waitlist_entries};
use crate::transaction::uids;
use crate::waitlist::EntryRow;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use event::SeatChange;
use kernel::{AttendeeId, EventId, Instant, RegistrationId, StoreError, UserId};
use registration::{RegistrationView, Standing};
use std::collections::{BTreeSet, HashMap};
use user::Attendee;
use waitlist::WaitingPerson;

#[derive(QueryableByName)]
struct Tied {
    #[diesel(sql_type = Id)]
    event_id: Uid,
    #[diesel(sql_type = Id)]
    attendee_id: Uid,
}

#[derive(QueryableByName)]
struct Waits {
    #[diesel(sql_type = Id)]
    id: Uid,
}

/// The first who wait at each event, as many as are asked for it.
const HEADS: &str = "SELECT head.id FROM unnest($1, $2) AS wanted(event_id, many) CROSS JOIN LATERAL \
     (SELECT w.id FROM waitlist_entries w WHERE w.event_id = wanted.event_id AND w.status = 'waiting' \
      ORDER BY w.rank LIMIT wanted.many) head";

/// Those of pairs of event and attendee on whose seat something stands.
pub(super) const TIED: &str = "SELECT asked.event_id, asked.attendee_id FROM unnest($1, $2) AS asked(event_id, attendee_id) \
     WHERE EXISTS (SELECT 1 FROM votes v WHERE v.event_id = asked.event_id AND v.voter_id = asked.attendee_id) \
        OR EXISTS (SELECT 1 FROM candidates c WHERE c.event_id = asked.event_id AND c.attendee_id = asked.attendee_id \
                   AND c.ended_at IS NULL)";

/// Keys that are known.
const KEYS: &str = "SELECT k.user_id, k.route, k.key, k.fingerprint, k.status, k.location, k.etag, k.body, k.created_at \
     FROM unnest($1, $2, $3) AS asked(user_id, route, key) \
     JOIN idempotency_keys k ON k.user_id = asked.user_id AND k.route = asked.route AND k.key = asked.key";

impl Tx<'_> {
    /// Locks the events of these operations and reads what they need.
    pub(super) fn read_for_batch(
        &mut self,
        batch: &[&Together],
        lock: Lock,
        now: Instant,
    ) -> Result<Read, StoreError> {
        let mut read = Read::default();
        let event_ids: BTreeSet<EventId> = batch.iter().map(|together| together.event_id()).collect();
        let event_ids: Vec<EventId> = event_ids.into_iter().collect();
        self.lock_events_of_batch(&event_ids, lock, &mut read)?;
        let is_here = |together: &&&Together| !read.left.contains(&together.event_id());
        let batch: Vec<&Together> = batch.iter().filter(is_here).copied().collect();
        if batch.is_empty() {
            return Ok(read);
        }
        let batch = batch.as_slice();
        self.hold_accounts_of_batch(batch, &mut read)?;
        let registers: Vec<(EventId, UserId)> =
            batch.iter().filter_map(|together| together.registers()).collect();
        if !registers.is_empty() {
            self.read_standings(&registers, &mut read)?;
        }
        let cancels: Vec<(EventId, RegistrationId)> =
            batch.iter().filter_map(|together| together.cancels()).collect();
        if !cancels.is_empty() {
            self.read_cancelled(&cancels, &mut read)?;
        }
        self.read_heads(&cancels, &mut read)?;
        self.read_keys(batch, now, &mut read)?;
        Ok(read)
    }

    fn lock_events_of_batch(
        &mut self,
        ids: &[EventId],
        lock: Lock,
        read: &mut Read,
    ) -> Result<(), StoreError> {
        let rows: Vec<SeatsRow> = self.postgres(|c| {
            let locked = events::table
                .filter(events::id.eq_any(uids(ids)))
                .order(events::id)
                .select(SeatsRow::as_select())
                .for_update();
            match lock {
                Lock::Wait => Prepared(locked).load(c),
                Lock::Skip => Prepared(locked.skip_locked()).load(c),
            }
        })?;
        match lock {
            // There is none.
            Lock::Wait => read.events.extend(ids.iter().map(|id| (*id, None))),
            Lock::Skip if rows.len() < ids.len() => {
                let there: Vec<Uid> = self.postgres(|c| {
                    let there = events::table.filter(events::id.eq_any(uids(ids)));
                    Prepared(there.select(events::id)).load(c)
                })?;
                read.events.extend(ids.iter().map(|id| (*id, None)));
                read.left.extend(there.into_iter().map(Uid::typed::<EventId>));
            }
            Lock::Skip => {}
        }
        for row in rows {
            let seats = row.into_seats()?;
            let locked = LockedEvent {
                change: SeatChange::default(),
                changes: 0,
                served: 0,
                seats,
            };
            read.left.remove(&locked.seats.id);
            read.events.insert(locked.seats.id, Some(locked));
        }
        Ok(())
    }

    /// Keeps accounts from being erased or given another address until the end, before anything else of these people is locked, as
    /// everywhere. Who is just being erased, or given another address, is left: their own operation may wait, the others' not.
    fn hold_accounts_of_batch(&mut self, batch: &[&Together], read: &mut Read) -> Result<(), StoreError> {
        let ids: Vec<Uid> = batch.iter().map(|together| Uid::of(together.user_id())).collect();
        let held: Vec<Uid> = self.postgres(|c| {
            let held = users::table
                .filter(users::id.eq_any(&ids))
                .order(users::id)
                .select(users::id)
                .for_key_share()
                .skip_locked();
            Prepared(held).load(c)
        })?;
        if held.len() == ids.len() {
            return Ok(());
        }
        let there: Vec<Uid> = self.postgres(|c| {
            let there = users::table.filter(users::id.eq_any(&ids));
            Prepared(there.select(users::id)).load(c)
        })?;
        let busy = there.into_iter().filter(|id| !held.contains(id));
        read.busy.extend(busy.map(Uid::typed::<UserId>));
        Ok(())
    }

    /// How accounts stand with events.
    fn read_standings(&mut self, asked: &[(EventId, UserId)], read: &mut Read) -> Result<(), StoreError> {
        let event_ids: BTreeSet<Uid> = asked.iter().map(|(event_id, _)| Uid::of(*event_id)).collect();
        let event_ids: Vec<Uid> = event_ids.into_iter().collect();
        let user_ids: Vec<Uid> = asked.iter().map(|(_, user_id)| Uid::of(*user_id)).collect();
        let rows: Vec<StandingRow> = self.postgres(|c| {
            Prepared(
                users::table
                    .left_join(attendees::table.on(attendees::email_key.eq(users::email_key)))
                    .left_join(
                        registrations::table.on(registrations::attendee_id
                            .nullable()
                            .eq(attendees::id.nullable())
                            .and(registrations::event_id.eq_any(event_ids.clone()))
                            .and(sql::<Bool>(LIVE))),
                    )
                    .left_join(
                        waitlist_entries::table.on(waitlist_entries::attendee_id
                            .nullable()
                            .eq(attendees::id.nullable())
                            .and(waitlist_entries::event_id.eq_any(event_ids))
                            .and(sql::<Bool>(crate::registrations::LIVE_ENTRY))),
                    )
                    .filter(users::id.eq_any(user_ids))
                    .filter(users::erased_at.is_null())
                    .select((
                        AccountRow::as_select(),
                        Option::<AttendeeRow>::as_select(),
                        Option::<RegistrationRow>::as_select(),
                        Option::<EntryRow>::as_select(),
                    )),
            )
            .load(c)
        })?;
        let mut at: HashMap<UserId, Vec<EventId>> = HashMap::new();
        for (event_id, user_id) in asked {
            read.standings.insert((*event_id, *user_id), None);
            at.entry(*user_id).or_default().push(*event_id);
        }
        for (account, attendee, registration, entry) in rows {
            let account = account.into_account()?;
            let attendee = attendee.map(AttendeeRow::into_attendee).transpose()?;
            let registration = registration.map(RegistrationRow::into_registration).transpose()?;
            let entry = entry.map(EntryRow::into_entry).transpose()?;
            // Who takes part in several of these events is in several rows.
            for event_id in at.get(&account.id).into_iter().flatten() {
                let standing = read
                    .standings
                    .entry((*event_id, account.id))
                    .or_default()
                    .get_or_insert_with(|| Standing {
                        account: Some(account.clone()),
                        attendee: attendee.clone(),
                        registration: None,
                        entry: None,
                    });
                if let Some(here) = registration.as_ref().filter(|one| one.event_id == *event_id) {
                    standing.registration = Some(here.clone());
                }
                if let Some(here) = entry.as_ref().filter(|one| one.event_id == *event_id) {
                    standing.entry = Some(here.clone());
                }
            }
        }
        Ok(())
    }

    /// Registrations that are to be cancelled, with their attendees, and what stands on their seats.
    fn read_cancelled(
        &mut self,
        asked: &[(EventId, RegistrationId)],
        read: &mut Read,
    ) -> Result<(), StoreError> {
        let ids: Vec<Uid> = asked.iter().map(|(_, id)| Uid::of(*id)).collect();
        let views = self.postgres(|c| {
            Prepared(
                registrations::table
                    .inner_join(attendees::table)
                    .inner_join(events::table)
                    .filter(registrations::id.eq_any(ids))
                    .select(view_columns!()),
            )
            .load(c)
        })?;
        let views: Vec<RegistrationView> = views.into_iter().map(into_view).collect::<Result<_, _>>()?;
        let people: Vec<Uid> = views
            .iter()
            .map(|view| Uid::of(view.registration.attendee_id))
            .collect();
        let people: Vec<AttendeeRow> = self.postgres(|c| {
            Prepared(
                attendees::table
                    .filter(attendees::id.eq_any(people))
                    .select(AttendeeRow::as_select()),
            )
            .load(c)
        })?;
        let people: HashMap<AttendeeId, Attendee> = people
            .into_iter()
            .map(|row| row.into_attendee().map(|attendee| (attendee.id, attendee)))
            .collect::<Result<_, _>>()?;
        read.views.extend(asked.iter().map(|(_, id)| (*id, None)));
        let mut seats = Vec::new();
        for view in views {
            let registration = &view.registration;
            seats.push((registration.event_id, registration.attendee_id));
            let attendee = people.get(&registration.attendee_id).cloned();
            read.views
                .insert(registration.id, attendee.map(|attendee| (view, attendee)));
        }
        read.tied.extend(self.tied(&seats)?);
        Ok(())
    }

    /// Those of these on whose seat something stands.
    pub(super) fn tied(
        &mut self,
        seats: &[(EventId, AttendeeId)],
    ) -> Result<Vec<(EventId, AttendeeId)>, StoreError> {
        let (event_ids, attendee_ids): (Vec<Uid>, Vec<Uid>) = seats
            .iter()
            .map(|(event_id, id)| (Uid::of(*event_id), Uid::of(*id)))
            .unzip();
        let found: Vec<Tied> = self.postgres(|c| {
            Prepared(
                diesel::sql_query(TIED)
                    .bind::<Array<Id>, _>(&event_ids)
                    .bind::<Array<Id>, _>(&attendee_ids),
            )
            .load(c)
        })?;
        Ok(found
            .into_iter()
            .map(|tied| (tied.event_id.typed(), tied.attendee_id.typed()))
            .collect())
    }

    /// Those who are next to get a seat: as many as may be freed or are free.
    fn read_heads(
        &mut self,
        cancels: &[(EventId, RegistrationId)],
        read: &mut Read,
    ) -> Result<(), StoreError> {
        let mut wanted: (Vec<Uid>, Vec<i64>) = Default::default();
        for event in read
            .events
            .values()
            .flatten()
            .filter(|event| event.seats.waiting > 0)
        {
            let freed = cancels
                .iter()
                .filter(|(event_id, _)| *event_id == event.seats.id)
                .count();
            let many = i64::from(event.seats.free()) + i64::try_from(freed).unwrap_or(0);
            if many > 0 {
                wanted.0.push(Uid::of(event.seats.id));
                // More than a batch frees are served elsewhere.
                wanted.1.push(many.min(256));
            }
        }
        if wanted.0.is_empty() {
            return Ok(());
        }
        let heads: Vec<Waits> = self.postgres(|c| {
            Prepared(
                diesel::sql_query(HEADS)
                    .bind::<Array<Id>, _>(&wanted.0)
                    .bind::<Array<BigInt>, _>(&wanted.1),
            )
            .load(c)
        })?;
        let ids: Vec<Uid> = heads.into_iter().map(|head| head.id).collect();
        let rows: Vec<(EntryRow, AttendeeRow)> = self.postgres(|c| {
            Prepared(
                waitlist_entries::table
                    .inner_join(attendees::table)
                    .filter(waitlist_entries::id.eq_any(&ids))
                    .order(waitlist_entries::rank)
                    .select((EntryRow::as_select(), AttendeeRow::as_select())),
            )
            .load(c)
        })?;
        for (entry, attendee) in rows {
            let person = WaitingPerson {
                entry: entry.into_entry()?,
                attendee: attendee.into_attendee()?,
            };
            read.heads.entry(person.entry.event_id).or_default().push(person);
        }
        Ok(())
    }

    /// What is remembered of the keys. One that is too old is left to who takes it over.
    fn read_keys(&mut self, batch: &[&Together], now: Instant, read: &mut Read) -> Result<(), StoreError> {
        let keys: Vec<Key> = batch
            .iter()
            .filter_map(|together| together.key().map(Key::of))
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let user_ids: Vec<Uid> = keys.iter().map(|key| Uid::of(key.user_id)).collect();
        let routes: Vec<&str> = keys.iter().map(|key| key.route.as_str()).collect();
        let texts: Vec<&str> = keys.iter().map(|key| key.text.as_str()).collect();
        let rows: Vec<KeyRow> = self.postgres(|c| {
            Prepared(
                diesel::sql_query(KEYS)
                    .bind::<Array<Id>, _>(&user_ids)
                    .bind::<Array<Text>, _>(&routes)
                    .bind::<Array<Text>, _>(&texts),
            )
            .load(c)
        })?;
        read.keys.extend(keys.into_iter().map(|key| (key, None)));
        for row in rows {
            let (key, known) = row.into_known(now)?;
            match known {
                Some(known) => read.keys.insert(key, Some(known)),
                None => read.keys.remove(&key),
            };
        }
        Ok(())
    }

    /// Asks PostgreSQL: SQLite has another way to write together.
    pub(super) fn postgres<T>(
        &mut self,
        query: impl FnOnce(&mut diesel::PgConnection) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        self.run(|connection| match connection {
            DbConn::Postgres(c) => query(c),
            DbConn::Sqlite(_) => Err(diesel::result::Error::NotFound),
        })
    }
}
