//! Queries of texts that go to all who hold a seat.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::{DbConn, on};
use crate::people::IS_SOMEBODY;
use crate::schema::{attendees, mailings, outbox, registrations, users};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{EmailAddress, EventId, Instant, MailingId, RegistrationId, StoreError};
use notification::{Message, Recipient};
use registration::{Mailing, MailingRepository, SeatRecipient};
use std::collections::HashMap;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = mailings)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
struct MailingRow {
    id: Uid,
    event_id: Uid,
    message: Doc,
    registered_by: Ts,
    written_to_time: Ts,
    written_to_id: Uid,
}

impl MailingRow {
    fn into_mailing(self) -> Result<Mailing, StoreError> {
        let message: Message =
            serde_json::from_value(self.message.0).map_err(|error| StoreError::Corrupt {
                table: "mailings",
                row: self.id.0.to_string(),
                reason: format!("message: {error}"),
            })?;
        Ok(Mailing {
            id: self.id.typed(),
            event_id: self.event_id.typed(),
            message,
            registered_by: self.registered_by.0,
            written_to: Some((self.written_to_time.0, self.written_to_id.typed())),
        })
    }
}

impl Tx<'_> {
    /// These attendees as they are and stay until the end of the transaction, but for what they are called. In the order of
    /// their ids, so that two who hold some of the same come one after the other.
    fn hold_recipients(&mut self, mut ids: Vec<Uid>) -> Result<HashMap<Uid, Recipient>, StoreError> {
        type Row = (Uid, Option<Uid>, String, String, String);
        ids.sort_unstable();
        let held = attendees::table
            .filter(attendees::id.eq_any(ids))
            .order(attendees::id)
            .select((
                attendees::id,
                attendees::user_id,
                attendees::name,
                attendees::email,
                attendees::email_key,
            ));
        // An address is a key: whoever changes it, or removes the row, waits.
        let rows: Vec<Row> = self.run(|connection| match connection {
            DbConn::Postgres(c) => held.for_key_share().load(c),
            DbConn::Sqlite(c) => held.load(c),
        })?;
        let people = rows.into_iter().map(|(id, user_id, name, email, email_key)| {
            let recipient = Recipient {
                name,
                email: EmailAddress::from_stored(email, email_key),
                user_id: user_id.map(Uid::typed),
            };
            (id, recipient)
        });
        Ok(people.collect())
    }
}

impl MailingRepository for Tx<'_> {
    fn last_registered_at(&mut self, event_id: EventId) -> Result<Option<Instant>, StoreError> {
        let last: Option<Ts> = self.run(|connection| {
            on!(connection, |c| registrations::table
                .filter(registrations::event_id.eq(Uid::of(event_id)))
                .order((registrations::registered_at.desc(), registrations::id.desc()))
                .select(registrations::registered_at)
                .first(c)
                .optional())
        })?;
        Ok(last.map(|at| at.0))
    }

    fn list_seat_recipients(
        &mut self,
        mailing: &Mailing,
        most: u32,
    ) -> Result<Vec<SeatRecipient>, StoreError> {
        let seats: Vec<(Uid, Ts, Uid)> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = registrations::table
                    .inner_join(attendees::table)
                    .left_join(users::table.on(attendees::user_id.eq(users::id.nullable())))
                    .filter(registrations::event_id.eq(Uid::of(mailing.event_id)))
                    .filter(registrations::registered_at.le(Ts(mailing.registered_by)))
                    .filter(registrations::status.eq_any(["confirmed", "attended"]))
                    .filter(sql::<Bool>(IS_SOMEBODY))
                    .into_boxed();
                if let Some((at, id)) = mailing.written_to {
                    let (at, id) = (Ts(at), Uid::of(id));
                    query = query.filter(
                        registrations::registered_at
                            .ge(at)
                            .and(registrations::registered_at.gt(at).or(registrations::id.gt(id))),
                    );
                }
                if matches!(mailing.message, Message::Reminder { .. }) {
                    // Who has no account has no wishes on record.
                    query = query.filter(
                        attendees::user_id
                            .is_null()
                            .or(users::email_reminders.nullable().eq(true)),
                    );
                }
                query
                    .order((registrations::registered_at, registrations::id))
                    .limit(i64::from(most))
                    .select((
                        registrations::id,
                        registrations::registered_at,
                        registrations::attendee_id,
                    ))
                    .load(c)
            })
        })?;
        let people = self.hold_recipients(seats.iter().map(|(.., attendee)| *attendee).collect())?;
        let mut recipients = Vec::with_capacity(seats.len());
        for (id, registered_at, attendee) in seats {
            let Some(recipient) = people.get(&attendee) else {
                return Err(self.contend(format!("the attendee {} went meanwhile", attendee.0)));
            };
            recipients.push(SeatRecipient {
                registration_id: id.typed(),
                registered_at: registered_at.0,
                recipient: recipient.clone(),
            });
        }
        Ok(recipients)
    }

    fn insert_mailing(&mut self, mailing: &Mailing, at: Instant) -> Result<(), StoreError> {
        let (written_to_time, written_to_id) = mailing
            .written_to
            .ok_or_else(|| StoreError::Internal("a mailing that has not begun is not kept".into()))?;
        let row = MailingRow {
            id: Uid::of(mailing.id),
            event_id: Uid::of(mailing.event_id),
            // Ids, texts, numbers and instants: nothing in a message can fail to serialise.
            message: Doc(serde_json::to_value(&mailing.message).unwrap_or_default()),
            registered_by: Ts(mailing.registered_by),
            written_to_time: Ts(written_to_time),
            written_to_id: Uid::of(written_to_id),
        };
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(mailings::table)
                .values((&row, mailings::created_at.eq(Ts(at))))
                .execute(c))
        })?;
        Ok(())
    }

    fn list_mailings(&mut self) -> Result<Vec<MailingId>, StoreError> {
        let ids: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| mailings::table
                .order(mailings::id)
                .limit(1_000)
                .select(mailings::id)
                .load(c))
        })?;
        Ok(ids.into_iter().map(Uid::typed).collect())
    }

    fn lock_mailing(&mut self, id: MailingId) -> Result<Option<Mailing>, StoreError> {
        let mailing = mailings::table.find(Uid::of(id));
        let row: Option<MailingRow> = self.run(|connection| match connection {
            DbConn::Postgres(c) => mailing
                .select(MailingRow::as_select())
                .for_update()
                .first(c)
                .optional(),
            // There is one writer.
            DbConn::Sqlite(c) => mailing.select(MailingRow::as_select()).first(c).optional(),
        })?;
        row.map(MailingRow::into_mailing).transpose()
    }

    fn note_mailing(
        &mut self,
        id: MailingId,
        (at, registration): (Instant, RegistrationId),
    ) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(mailings::table.find(Uid::of(id)))
                .set((
                    mailings::written_to_time.eq(Ts(at)),
                    mailings::written_to_id.eq(Uid::of(registration)),
                ))
                .execute(c))
        })?;
        Ok(())
    }

    fn last_move_told(&mut self, recipient_key: &str, event_id: EventId) -> Result<Option<i64>, StoreError> {
        // An id holds no wildcard.
        let of_event = format!("{event_id}:%");
        let occasions: Vec<Option<String>> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::channel.eq("message"))
                .filter(outbox::recipient_key.eq(recipient_key))
                .filter(outbox::kind.eq("event_moved"))
                .filter(outbox::occasion.like(&of_event))
                .select(outbox::occasion)
                .load(c))
        })?;
        let edits = occasions
            .iter()
            .flatten()
            .filter_map(|occasion| occasion.split_once(':'));
        Ok(edits.filter_map(|(_, edit)| edit.parse().ok()).max())
    }

    fn delete_mailings_of_kind(&mut self, event_id: EventId, kind: &str) -> Result<(), StoreError> {
        let of_event = mailings::table
            .filter(mailings::event_id.eq(Uid::of(event_id)))
            .select((mailings::id, mailings::message));
        let kept: Vec<(Uid, Doc)> = self.run(|connection| on!(connection, |c| of_event.load(c)))?;
        // A message stands under its kind.
        let gone: Vec<Uid> = kept
            .into_iter()
            .filter(|(_, message)| message.0.get(kind).is_some())
            .map(|(id, _)| id)
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                mailings::table.filter(mailings::id.eq_any(gone))
            )
            .execute(c))
        })?;
        Ok(())
    }

    fn delete_mailing(&mut self, id: MailingId) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::delete(mailings::table.find(Uid::of(id)))
                .execute(c))
        })?;
        Ok(())
    }

    fn find_last_resent(
        &mut self,
        id: RegistrationId,
        email_key: &str,
    ) -> Result<Option<Instant>, StoreError> {
        // The occasion of the first confirmation is the registration alone; an id holds no wildcard.
        let again = format!("{id}:%");
        let at: Option<Ts> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(outbox::channel.eq("message"))
                .filter(outbox::recipient_key.eq(email_key))
                .filter(outbox::kind.eq("seat_confirmed"))
                .filter(outbox::occasion.like(&again))
                .select(outbox::created_at)
                .order(outbox::created_at.desc())
                .first(c)
                .optional())
        })?;
        Ok(at.map(|at| at.0))
    }
}
