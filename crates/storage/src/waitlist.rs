//! Rows and queries of waitlists.

use crate::Tx;
use crate::columns::sql::Id;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::events::instant_of;
use crate::people::AttendeeRow;
use crate::prepared::Prepared;
use crate::registrations::LIVE_ENTRY;
use crate::schema::{attendees, waitlist_entries, waitlist_log};
use crate::transaction::{named, rows, uids};
use diesel::dsl::{max, not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool};
use kernel::{
    AttendeeId, EventId, Instant, Page, PageRequest, Position, StoreError, TypedId, UserId, WaitlistEntryId,
};
use waitlist::{
    EntryLogLine, EntryStatus, LogAction, WaitingPerson, WaitlistEntry, WaitlistPlace, WaitlistRepository,
};

/// The predicate of the partial index `waitlist_entries_in_order`, in its words.
const WAITING: &str = "waitlist_entries.status = 'waiting'";

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = waitlist_entries, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct EntryRow {
    id: Uid,
    event_id: Uid,
    attendee_id: Uid,
    status: String,
    rank: i64,
    joined_at: Ts,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = waitlist_log, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct LogRow {
    id: Uid,
    entry_id: Uid,
    at: Ts,
    action: String,
    actor_id: Option<Uid>,
    reason: Option<String>,
    rank: i64,
    event_id: Uid,
    number: i64,
}

impl EntryRow {
    fn of(entry: &WaitlistEntry) -> Self {
        Self {
            id: Uid::of(entry.id),
            event_id: Uid::of(entry.event_id),
            attendee_id: Uid::of(entry.attendee_id),
            status: entry.status.as_str().to_owned(),
            rank: entry.rank,
            joined_at: Ts(entry.joined_at),
        }
    }

    pub(crate) fn into_entry(self) -> Result<WaitlistEntry, StoreError> {
        Ok(WaitlistEntry {
            id: self.id.typed(),
            event_id: self.event_id.typed(),
            attendee_id: self.attendee_id.typed(),
            status: named(
                "waitlist_entries",
                self.id,
                "status",
                &self.status,
                EntryStatus::from_name,
            )?,
            rank: self.rank,
            joined_at: self.joined_at.0,
        })
    }
}

impl LogRow {
    fn of(line: &EntryLogLine, number: i64) -> Self {
        Self {
            id: Uid::of(line.id),
            entry_id: Uid::of(line.entry_id),
            at: Ts(line.at),
            action: line.action.as_str().to_owned(),
            actor_id: line.actor_id.map(Uid::of),
            reason: line.reason.clone(),
            rank: line.rank,
            event_id: Uid::of(line.event_id),
            number,
        }
    }

    fn into_line(self) -> Result<EntryLogLine, StoreError> {
        Ok(EntryLogLine {
            id: self.id.typed(),
            event_id: self.event_id.typed(),
            number: Some(self.number),
            entry_id: self.entry_id.typed(),
            at: self.at.0,
            action: named(
                "waitlist_log",
                self.id,
                "action",
                &self.action,
                LogAction::from_name,
            )?,
            actor_id: self.actor_id.map(Uid::typed),
            reason: self.reason,
            rank: self.rank,
        })
    }
}

/// Everybody who waits, or the first so many, in order.
fn waiting_people(
    tx: &mut Tx<'_>,
    event_id: EventId,
    first: Option<u32>,
) -> Result<Vec<WaitingPerson>, StoreError> {
    let limit = first.map_or(i64::MAX, i64::from);
    let rows: Vec<(EntryRow, AttendeeRow)> = tx.run(|connection| {
        on!(connection, |c| Prepared(
            waitlist_entries::table
                .inner_join(attendees::table)
                .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                .filter(sql::<Bool>(WAITING))
                .order(waitlist_entries::rank)
                .limit(limit)
                .select((EntryRow::as_select(), AttendeeRow::as_select()))
        )
        .load(c))
    })?;
    rows.into_iter()
        .map(|(entry, attendee)| {
            Ok(WaitingPerson {
                entry: entry.into_entry()?,
                attendee: attendee.into_attendee()?,
            })
        })
        .collect()
}

impl Tx<'_> {
    /// The number is taken in the same statement: a line is written whenever somebody joins.
    fn log_one_line(&mut self, line: &EntryLogLine) -> Result<(), StoreError> {
        let event = Uid::of(line.event_id);
        let number =
            sql::<BigInt>("(SELECT coalesce(max(l.number), 0) + 1 FROM waitlist_log l WHERE l.event_id = ")
                .bind::<Id, _>(event)
                .sql(")");
        let row = (
            waitlist_log::id.eq(Uid::of(line.id)),
            waitlist_log::entry_id.eq(Uid::of(line.entry_id)),
            waitlist_log::at.eq(Ts(line.at)),
            waitlist_log::action.eq(line.action.as_str()),
            waitlist_log::actor_id.eq(line.actor_id.map(Uid::of)),
            waitlist_log::reason.eq(line.reason.as_deref()),
            waitlist_log::rank.eq(line.rank),
            waitlist_log::event_id.eq(event),
            waitlist_log::number.eq(number),
        );
        self.run(|connection| {
            on!(connection, |c| Prepared(
                diesel::insert_into(waitlist_log::table)
                    .values(row)
                    .returning(waitlist_log::id)
            )
            .load::<Uid>(c))
        })?;
        Ok(())
    }
}

impl WaitlistRepository for Tx<'_> {
    fn find_waitlist_entry(&mut self, id: WaitlistEntryId) -> Result<Option<WaitlistEntry>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .find(Uid::of(id))
                .select(EntryRow::as_select())
                .first(c)
                .optional())
        })?
        .map(EntryRow::into_entry)
        .transpose()
    }

    fn find_live_entry_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<WaitlistEntry>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .inner_join(attendees::table)
                .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                .filter(attendees::user_id.eq(Uid::of(user_id)))
                .filter(sql::<Bool>(LIVE_ENTRY))
                .select(EntryRow::as_select())
                .first(c)
                .optional())
        })?
        .map(EntryRow::into_entry)
        .transpose()
    }

    fn find_ended_entry_of_user(
        &mut self,
        event_id: EventId,
        user_id: UserId,
    ) -> Result<Option<WaitlistEntry>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .inner_join(attendees::table)
                .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                .filter(attendees::user_id.eq(Uid::of(user_id)))
                .filter(not(sql::<Bool>(LIVE_ENTRY)))
                .order((waitlist_entries::ended_at.desc(), waitlist_entries::id.desc()))
                .select(EntryRow::as_select())
                .first(c)
                .optional())
        })?
        .map(EntryRow::into_entry)
        .transpose()
    }

    fn first_waiting(&mut self, event_id: EventId, count: u32) -> Result<Vec<WaitingPerson>, StoreError> {
        if let Some(first) = self
            .tray
            .as_ref()
            .and_then(|tray| tray.first_waiting(event_id, count))
        {
            return Ok(first);
        }
        waiting_people(self, event_id, Some(count))
    }

    fn list_all_waiting(&mut self, event_id: EventId) -> Result<Vec<WaitingPerson>, StoreError> {
        waiting_people(self, event_id, None)
    }

    fn waitlist_position(&mut self, event_id: EventId, rank: i64) -> Result<u32, StoreError> {
        let before: i64 = self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                .filter(sql::<Bool>(WAITING))
                .filter(waitlist_entries::rank.le(rank))
                .count()
                .get_result(c))
        })?;
        Ok(u32::try_from(before).unwrap_or(u32::MAX))
    }

    fn waiting_ranks(
        &mut self,
        event_id: EventId,
        except: WaitlistEntryId,
        from: u32,
        count: u32,
    ) -> Result<Vec<(WaitlistEntryId, i64)>, StoreError> {
        let rows: Vec<(Uid, i64)> = self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                .filter(sql::<Bool>(WAITING))
                .filter(waitlist_entries::id.ne(Uid::of(except)))
                .order(waitlist_entries::rank)
                .offset(i64::from(from))
                .limit(i64::from(count))
                .select((waitlist_entries::id, waitlist_entries::rank))
                .load(c))
        })?;
        Ok(rows.into_iter().map(|(id, rank)| (id.typed(), rank)).collect())
    }

    fn insert_waitlist_entry(&mut self, entry: &WaitlistEntry) -> Result<(), StoreError> {
        if self.tray.is_some() {
            return self.lay_at(entry.event_id, |to_write| to_write.entries.push(entry.clone()));
        }
        let row = EntryRow::of(entry);
        let inserted = self.run(|connection| {
            on!(connection, |c| diesel::insert_into(waitlist_entries::table)
                .values(&row)
                .execute(c))
        });
        self.unless_attendee_went(inserted)?;
        Ok(())
    }

    fn update_waitlist_ranks(&mut self, ranks: &[(WaitlistEntryId, i64)]) -> Result<(), StoreError> {
        for (id, rank) in ranks {
            let entry = waitlist_entries::table.filter(waitlist_entries::id.eq(Uid::of(*id)));
            self.run(|connection| {
                on!(connection, |c| Prepared(
                    diesel::update(entry)
                        .set(waitlist_entries::rank.eq(*rank))
                        .returning(waitlist_entries::id)
                )
                .load::<Uid>(c))
            })?;
        }
        Ok(())
    }

    fn end_waitlist_entries(
        &mut self,
        ids: &[WaitlistEntryId],
        status: EntryStatus,
        at: Instant,
    ) -> Result<u32, StoreError> {
        if let Some(ended) = self
            .tray
            .as_mut()
            .and_then(|tray| tray.end_entries(ids, status, at))
        {
            return Ok(ended);
        }
        let set = (
            waitlist_entries::status.eq(status.as_str()),
            waitlist_entries::offer_expires_at.eq(None::<Ts>),
            waitlist_entries::ended_at.eq(Ts(at)),
        );
        if let [only] = ids {
            let live = waitlist_entries::table
                .filter(waitlist_entries::id.eq(Uid::of(*only)))
                .filter(sql::<Bool>(LIVE_ENTRY));
            let ended = self.run(|connection| {
                on!(connection, |c| Prepared(
                    diesel::update(live).set(set).returning(waitlist_entries::id)
                )
                .load::<Uid>(c))
            })?;
            return Ok(rows(ended.len()));
        }
        let mut ended = 0;
        for chunk in ids.chunks(1_000) {
            let live = waitlist_entries::table
                .filter(waitlist_entries::id.eq_any(uids(chunk)))
                .filter(sql::<Bool>(LIVE_ENTRY));
            ended += self.run(|connection| on!(connection, |c| diesel::update(live).set(set).execute(c)))?;
        }
        Ok(rows(ended))
    }

    fn log_waitlist(&mut self, lines: &[EntryLogLine]) -> Result<(), StoreError> {
        let Some(first) = lines.first() else { return Ok(()) };
        if self.tray.is_some() {
            return self.lay_at(first.event_id, |to_write| to_write.lines.extend_from_slice(lines));
        }
        if let [only] = lines {
            return self.log_one_line(only);
        }
        let last: Option<i64> = self.run(|connection| {
            on!(connection, |c| waitlist_log::table
                .filter(waitlist_log::event_id.eq(Uid::of(first.event_id)))
                .select(max(waitlist_log::number))
                .first(c))
        })?;
        let numbered: Vec<_> = (last.unwrap_or(0) + 1..)
            .zip(lines)
            .map(|(number, line)| LogRow::of(line, number))
            .collect();
        for rows in numbered.chunks(1_000) {
            self.run(|connection| {
                on!(connection, |c| diesel::insert_into(waitlist_log::table)
                    .values(rows)
                    .execute(c))
            })?;
        }
        Ok(())
    }

    fn list_waiting(
        &mut self,
        event_id: EventId,
        page: PageRequest,
    ) -> Result<Page<WaitlistPlace>, StoreError> {
        let already_shown = match page.after {
            Some(after) => self.waitlist_position(event_id, after.value)?,
            None => 0,
        };
        let after_rank = page.after.map_or(i64::MIN, |after| after.value);
        let rows: Vec<(EntryRow, String, String)> = self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .inner_join(attendees::table)
                .filter(waitlist_entries::event_id.eq(Uid::of(event_id)))
                .filter(sql::<Bool>(WAITING))
                .filter(waitlist_entries::rank.gt(after_rank))
                .order(waitlist_entries::rank)
                .limit(i64::from(page.limit) + 1)
                .select((EntryRow::as_select(), attendees::name, attendees::email))
                .load(c))
        })?;
        let total = if page.include_total {
            Some(u64::from(self.waitlist_position(event_id, i64::MAX)?))
        } else {
            None
        };
        let places = (already_shown + 1..)
            .zip(rows)
            .map(|(position, (row, attendee_name, attendee_email))| {
                Ok(WaitlistPlace {
                    entry: row.into_entry()?,
                    position: Some(position),
                    attendee_name,
                    attendee_email,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Page::from_surplus(places, page, total, |place| Position {
            value: place.entry.rank,
            id: place.entry.id.uuid(),
        }))
    }

    fn list_live_entries_of_user(
        &mut self,
        user_id: UserId,
        page: PageRequest,
    ) -> Result<Page<WaitlistPlace>, StoreError> {
        const BEFORE: &str = "(SELECT count(*) FROM waitlist_entries ahead \
             WHERE ahead.event_id = waitlist_entries.event_id AND ahead.status = 'waiting' \
             AND ahead.rank <= waitlist_entries.rank)";
        let user = Uid::of(user_id);
        let rows: Vec<(EntryRow, String, String, i64)> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = waitlist_entries::table
                    .inner_join(attendees::table)
                    .filter(attendees::user_id.eq(user))
                    .filter(sql::<Bool>(LIVE_ENTRY))
                    .select((
                        EntryRow::as_select(),
                        attendees::name,
                        attendees::email,
                        sql::<BigInt>(BEFORE),
                    ))
                    .into_boxed();
                if let Some(after) = page.after {
                    let (at, id) = (Ts(instant_of(after)), Uid(after.id));
                    query = query.filter(
                        waitlist_entries::joined_at
                            .le(at)
                            .and(waitlist_entries::joined_at.lt(at).or(waitlist_entries::id.lt(id))),
                    );
                }
                query
                    .order((waitlist_entries::joined_at.desc(), waitlist_entries::id.desc()))
                    .limit(i64::from(page.limit) + 1)
                    .load(c)
            })
        })?;
        let total = if page.include_total {
            Some(self.run(|connection| {
                on!(connection, |c| waitlist_entries::table
                    .inner_join(attendees::table)
                    .filter(attendees::user_id.eq(user))
                    .filter(sql::<Bool>(LIVE_ENTRY))
                    .count()
                    .get_result::<i64>(c))
            })?)
        } else {
            None
        };
        let places = rows
            .into_iter()
            .map(|(row, attendee_name, attendee_email, before)| {
                let entry = row.into_entry()?;
                let waits = entry.status == EntryStatus::Waiting;
                let position = waits.then(|| u32::try_from(before).unwrap_or(u32::MAX));
                Ok(WaitlistPlace {
                    entry,
                    position,
                    attendee_name,
                    attendee_email,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        let total = total.map(|total| u64::try_from(total).unwrap_or(0));
        Ok(Page::from_surplus(places, page, total, |place| Position {
            value: place.entry.joined_at.timestamp_micros(),
            id: place.entry.id.uuid(),
        }))
    }

    fn list_told_log(
        &mut self,
        entry_id: WaitlistEntryId,
        most: u32,
    ) -> Result<Vec<EntryLogLine>, StoreError> {
        let newest: Vec<LogRow> = self.run(|connection| {
            on!(connection, |c| waitlist_log::table
                .filter(waitlist_log::entry_id.eq(Uid::of(entry_id)))
                .filter(waitlist_log::action.ne(LogAction::Renumbered.as_str()))
                .order(waitlist_log::number.desc())
                .limit(i64::from(most))
                .select(LogRow::as_select())
                .load(c))
        })?;
        newest.into_iter().rev().map(LogRow::into_line).collect()
    }

    fn list_waitlist_log(&mut self, entry_id: WaitlistEntryId) -> Result<Vec<EntryLogLine>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| waitlist_log::table
                .filter(waitlist_log::entry_id.eq(Uid::of(entry_id)))
                .order(waitlist_log::number)
                .select(LogRow::as_select())
                .load(c))
        })?
        .into_iter()
        .map(LogRow::into_line)
        .collect()
    }

    fn live_entries_of_attendee(&mut self, id: AttendeeId) -> Result<Vec<WaitlistEntry>, StoreError> {
        self.run(|connection| {
            on!(connection, |c| waitlist_entries::table
                .filter(waitlist_entries::attendee_id.eq(Uid::of(id)))
                .filter(sql::<Bool>(LIVE_ENTRY))
                .select(EntryRow::as_select())
                .load(c))
        })?
        .into_iter()
        .map(EntryRow::into_entry)
        .collect()
    }
}
