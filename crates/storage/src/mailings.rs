//! Queries of texts that go to all who hold a seat.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::{DbConn, on};
use crate::schema::{attendees, mailings, outbox, registrations, users};
use diesel::prelude::*;
use kernel::{EmailAddress, Instant, MailingId, RegistrationId, StoreError};
use notification::{Message, Recipient};
use registration::{Mailing, MailingRepository, SeatRecipient};

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

impl MailingRepository for Tx<'_> {
    fn list_seat_recipients(
        &mut self,
        mailing: &Mailing,
        most: u32,
    ) -> Result<Vec<SeatRecipient>, StoreError> {
        type Row = (Uid, Ts, Option<Uid>, String, String, String);
        let rows: Vec<Row> = self.run(|connection| {
            on!(connection, |c| {
                let mut query = registrations::table
                    .inner_join(attendees::table)
                    .left_join(users::table.on(attendees::user_id.eq(users::id.nullable())))
                    .filter(registrations::event_id.eq(Uid::of(mailing.event_id)))
                    .filter(registrations::registered_at.le(Ts(mailing.registered_by)))
                    .filter(registrations::status.eq_any(["confirmed", "attended"]))
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
                        attendees::user_id,
                        attendees::name,
                        attendees::email,
                        attendees::email_key,
                    ))
                    .load(c)
            })
        })?;
        let people =
            rows.into_iter().map(
                |(id, registered_at, user_id, name, email, email_key)| SeatRecipient {
                    registration_id: id.typed(),
                    registered_at: registered_at.0,
                    recipient: Recipient {
                        name,
                        email: EmailAddress::from_stored(email, email_key),
                        user_id: user_id.map(Uid::typed),
                    },
                },
            );
        Ok(people.collect())
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
                .limit(100)
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
