//! What is to be told, written with what it tells of: messages and live events, together before the commit.

use crate::Tx;
use crate::columns::{Doc, Ts, Uid};
use crate::connection::{DbConn, on};
use crate::prepared::Prepared;
use crate::schema::outbox;
use crate::texts::TextCopy;
use diesel::prelude::*;
use kernel::{Ctx, EmailAddress, Instant, OutboxId, PhoneNumber, StoreError, UserId};
use notification::{Destination, Message, Outbox, Priority, Recipient};
use realtime::{LiveEvent, LiveEvents};
use serde::{Deserialize, Serialize};

#[derive(Queryable, Selectable, Insertable, Clone)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
#[diesel(check_for_backend(diesel::pg::Pg, diesel::sqlite::Sqlite))]
pub(crate) struct OutboxRow {
    pub(crate) id: Uid,
    pub(crate) channel: String,
    pub(crate) kind: String,
    pub(crate) recipient_key: Option<String>,
    pub(crate) occasion: Option<String>,
    pub(crate) topic: Option<String>,
    pub(crate) payload: Doc,
    pub(crate) priority: i16,
    pub(crate) status: String,
    pub(crate) due_at: Ts,
    pub(crate) not_after: Option<Ts>,
    pub(crate) created_at: Ts,
    pub(crate) user_id: Option<Uid>,
    pub(crate) medium: Option<String>,
}

/// The payload of a message's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueuedMessage {
    /// How the recipient is addressed.
    pub name: String,
    /// Where it goes.
    #[serde(flatten)]
    pub to: Destination,
    /// What it says.
    pub message: Message,
}

/// A row of the outbox, as tests and the operator see it.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxEntry {
    /// `message` or `live`.
    pub channel: String,
    /// The kind of message or live event.
    pub kind: String,
    /// Messages: the folded address.
    pub recipient_key: Option<String>,
    /// Live events: who hears it.
    pub topic: Option<String>,
    /// What it says.
    pub payload: serde_json::Value,
    /// When it was written.
    pub created_at: Instant,
}

impl Outbox for Tx<'_> {
    fn enqueue(&mut self, ctx: &Ctx, recipient: Recipient, message: Message) {
        self.enqueue_as(ctx, ctx.new_id(), recipient, message);
    }

    fn enqueue_as(&mut self, ctx: &Ctx, id: OutboxId, recipient: Recipient, message: Message) {
        if let (Some(user_id), Some(until)) = (recipient.user_id, message.text_copy_until(ctx.now)) {
            self.texts.push(TextCopy::of(ctx, user_id, &message, until));
        }
        let key = recipient.email.key().to_owned();
        let queued = QueuedMessage {
            name: recipient.name,
            to: Destination::Email(recipient.email.as_str().to_owned()),
            message,
        };
        self.outbox
            .push(message_row(id, ctx.now, key, recipient.user_id, &queued));
    }

    fn enqueue_text(&mut self, ctx: &Ctx, phone: &PhoneNumber, user_id: UserId, message: Message) {
        self.outbox
            .push(text_row(ctx.new_id(), ctx.now, phone.as_str(), user_id, message));
    }
}

/// A message that goes to a phone.
pub(crate) fn text_row(
    id: OutboxId,
    now: Instant,
    phone: &str,
    user_id: UserId,
    message: Message,
) -> OutboxRow {
    let queued = QueuedMessage {
        // A text message has no room for a greeting.
        name: String::new(),
        to: Destination::Phone(phone.to_owned()),
        message,
    };
    message_row(id, now, phone.to_owned(), Some(user_id), &queued)
}

fn message_row(
    id: OutboxId,
    now: Instant,
    recipient_key: String,
    user_id: Option<UserId>,
    queued: &QueuedMessage,
) -> OutboxRow {
    let message = &queued.message;
    OutboxRow {
        id: Uid::of(id),
        channel: "message".to_owned(),
        kind: message.kind().to_owned(),
        recipient_key: Some(recipient_key),
        occasion: Some(message.occasion()),
        topic: None,
        payload: document(queued),
        priority: message.priority() as i16,
        status: "queued".to_owned(),
        due_at: Ts(now),
        not_after: message.not_after().map(Ts),
        created_at: Ts(now),
        user_id: user_id.map(Uid::of),
        medium: Some(queued.to.medium().as_str().to_owned()),
    }
}

impl LiveEvents for Tx<'_> {
    fn publish(&mut self, ctx: &Ctx, live: LiveEvent) {
        self.outbox.push(OutboxRow {
            id: Uid::of(ctx.new_id::<OutboxId>()),
            channel: "live".to_owned(),
            kind: live.kind().to_owned(),
            recipient_key: None,
            occasion: None,
            topic: Some(live.topic().to_string()),
            payload: document(&live),
            priority: Priority::Personal as i16,
            status: "queued".to_owned(),
            due_at: Ts(ctx.now),
            not_after: None,
            created_at: Ts(ctx.now),
            user_id: None,
            medium: None,
        });
    }
}

fn document(payload: &impl Serialize) -> Doc {
    // Ids, texts, numbers and instants: nothing in a payload can fail to serialise.
    Doc(serde_json::to_value(payload).unwrap_or(serde_json::Value::Null))
}

impl Tx<'_> {
    /// Whether messages gathered, and not only live events.
    pub(crate) fn has_messages(&self) -> bool {
        self.outbox.iter().any(|row| row.medium.is_some())
    }

    /// Writes what gathered; a message that was asked for before is dropped.
    pub(crate) fn write_outbox(&mut self) -> Result<(), StoreError> {
        if self.has_messages() {
            self.wake_worker();
        }
        if let Some(tray) = &mut self.tray {
            tray.to_write.outbox.append(&mut self.outbox);
            tray.to_write.texts.append(&mut self.texts);
            return Ok(());
        }
        self.add_text_copies()?;
        let gathered = std::mem::take(&mut self.outbox);
        // 14 columns a row, and at most 65,535 parameters a statement.
        for rows in gathered.chunks(2_000) {
            self.run(|connection| match connection {
                // Most operations tell of one to four things: four texts to keep.
                DbConn::Postgres(c) if rows.len() <= 4 => Prepared(
                    diesel::insert_into(outbox::table)
                        .values(rows)
                        .on_conflict_do_nothing()
                        .returning(outbox::id),
                )
                .load::<Uid>(c)
                .map(|written| written.len()),
                DbConn::Postgres(c) => diesel::insert_into(outbox::table)
                    .values(rows)
                    .on_conflict_do_nothing()
                    .execute(c),
                // SQLite takes ON CONFLICT with one row a statement only, as diesel builds it.
                DbConn::Sqlite(c) => rows.iter().try_fold(0, |written, row| {
                    Ok(written
                        + diesel::insert_into(outbox::table)
                            .values(row)
                            .on_conflict_do_nothing()
                            .execute(c)?)
                }),
            })?;
        }
        Ok(())
    }

    /// What was mailed to an address that had no account is the account's, once the address was proven to be its own.
    pub(crate) fn claim_mail(&mut self, user_id: UserId, email: &EmailAddress) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                outbox::table
                    .filter(outbox::channel.eq("message"))
                    .filter(outbox::recipient_key.eq(email.key()))
                    .filter(outbox::user_id.is_null())
            )
            .set(outbox::user_id.eq(Uid::of(user_id)))
            .execute(c))
        })?;
        Ok(())
    }

    /// Everything in the outbox, in the order of writing.
    pub fn list_outbox(&mut self) -> Result<Vec<OutboxEntry>, StoreError> {
        let rows: Vec<OutboxRow> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .order(outbox::id)
                .select(OutboxRow::as_select())
                .load(c))
        })?;
        Ok(rows
            .into_iter()
            .map(|row| OutboxEntry {
                channel: row.channel,
                kind: row.kind,
                recipient_key: row.recipient_key,
                topic: row.topic,
                payload: row.payload.0,
                created_at: row.created_at.0,
            })
            .collect())
    }
}
