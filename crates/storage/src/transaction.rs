//! The transaction: the one object on which the repository traits of all domains meet.

use crate::batch::tray::{NotRead, ToWrite, Tray};
use crate::columns::Uid;
use crate::connection::DbConn;
use crate::failure::store_error;
use crate::outbox::OutboxRow;
use crate::search_limits::SearchLimits;
use crate::texts::TextCopy;
use crate::word_counts::WordCounts;
use kernel::{EventId, OutboxId, SessionId, StoreError, TypedId};
use std::fmt::Display;
use std::str::FromStr;

/// A transaction, or a connection that only reads. Everything that is to be told gathers here and is written with the
/// rest in one insert before the commit.
#[expect(clippy::struct_excessive_bools, reason = "each says that one thing happened")]
pub struct Tx<'c> {
    connection: &'c mut DbConn,
    pub(crate) outbox: Vec<OutboxRow>,
    pub(crate) texts: Vec<TextCopy>,
    changed_events: Vec<EventId>,
    changed_seats: Vec<EventId>,
    changed_sessions: Vec<SessionId>,
    roles_changed: bool,
    forgotten_messages: Vec<OutboxId>,
    message_due: bool,
    contended: bool,
    lost: bool,
    pub(crate) guard: SeatGuard,
    /// What a batch has read, where the operation is one of it.
    pub(crate) tray: Option<Tray>,
    /// Whether it asked for more than that.
    pub(crate) left_batch: bool,
    pub(crate) search: SearchLimits,
    pub(crate) word_counts: WordCounts,
}

/// What a transaction did of which others hear, once it is committed.
pub(crate) struct Effects {
    /// The events of which it changed more than the seats.
    pub(crate) changed_events: Vec<EventId>,
    /// The events whose seats it changed.
    pub(crate) changed_seats: Vec<EventId>,
    /// The sessions that it ended or changed.
    pub(crate) changed_sessions: Vec<SessionId>,
    /// Whether roles permit something else than before.
    pub(crate) roles_changed: bool,
    /// Whether there is something to send that was not due before.
    pub(crate) messages_queued: bool,
    /// The messages that it deleted.
    pub(crate) forgotten_messages: Vec<OutboxId>,
}

/// Whether the guards against overselling stand. They always do, but in the test that shows what they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SeatGuard {
    /// They stand.
    #[default]
    On,
    /// No lock, no condition, no transaction.
    #[cfg(feature = "negative-control")]
    Off,
}

impl<'c> Tx<'c> {
    pub(crate) fn new(
        connection: &'c mut DbConn,
        guard: SeatGuard,
        (search, word_counts): (SearchLimits, WordCounts),
    ) -> Self {
        Self {
            connection,
            outbox: Vec::new(),
            texts: Vec::new(),
            changed_events: Vec::new(),
            changed_seats: Vec::new(),
            changed_sessions: Vec::new(),
            roles_changed: false,
            forgotten_messages: Vec::new(),
            message_due: false,
            contended: false,
            lost: false,
            guard,
            tray: None,
            left_batch: false,
            search,
            word_counts,
        }
    }

    /// Runs a query; remembers if another transaction was in the way, so that the whole operation is tried again.
    pub(crate) fn run<T>(
        &mut self,
        query: impl FnOnce(&mut DbConn) -> diesel::QueryResult<T>,
    ) -> Result<T, StoreError> {
        if self.tray.is_some() {
            self.left_batch = true;
            return Err(StoreError::Contention("the batch has not read that".into()));
        }
        query(self.connection).map_err(|error| {
            let error = store_error(&error);
            self.contended |= matches!(error, StoreError::Contention(_));
            if matches!(error, StoreError::Unavailable(_)) {
                self.lost = true;
                self.connection.give_up();
            }
            error
        })
    }

    /// Lays something on the tray that is to be written at that event; at another than the operation is at, it leaves the batch.
    pub(crate) fn lay_at(
        &mut self,
        event_id: EventId,
        lay: impl FnOnce(&mut ToWrite),
    ) -> Result<(), StoreError> {
        match self.tray.as_mut().map(|tray| tray.laid_at(event_id)) {
            Some(Ok(to_write)) => {
                lay(to_write);
                Ok(())
            }
            Some(Err(NotRead)) | None => self.run(|_| Ok(())),
        }
    }

    /// Says that another transaction was in the way, so that the whole operation is tried again.
    pub(crate) fn contend(&mut self, what: String) -> StoreError {
        self.contended = true;
        StoreError::Contention(what)
    }

    /// Notes that what is cached of an event is no longer right.
    pub(crate) fn touch_event(&mut self, id: EventId) {
        if !self.changed_events.contains(&id) {
            self.changed_events.push(id);
        }
    }

    /// Notes that seats of an event were taken or given back, or people wait for them who did not.
    pub(crate) fn touch_seats(&mut self, id: EventId) {
        if !self.changed_seats.contains(&id) {
            self.changed_seats.push(id);
        }
    }

    /// Notes that a session is over, or permits something else than before.
    pub(crate) fn touch_sessions(&mut self, ids: impl IntoIterator<Item = SessionId>) {
        self.changed_sessions.extend(ids);
    }

    /// Notes that roles permit something else than before.
    pub(crate) fn touch_roles(&mut self) {
        self.roles_changed = true;
    }

    /// Notes that messages are gone, so that what was made of them goes too.
    pub(crate) fn forget_messages(&mut self, ids: impl IntoIterator<Item = OutboxId>) {
        self.forgotten_messages.extend(ids);
    }

    /// Notes that a message which was there before is due now.
    pub(crate) fn wake_worker(&mut self) {
        self.message_due = true;
    }

    /// What others hear of, once it is committed.
    pub(crate) fn into_effects(self) -> Effects {
        Effects {
            changed_events: self.changed_events,
            changed_seats: self.changed_seats,
            changed_sessions: self.changed_sessions,
            roles_changed: self.roles_changed,
            messages_queued: self.message_due,
            forgotten_messages: self.forgotten_messages,
        }
    }

    /// Whether a statement failed because another transaction was in the way.
    pub(crate) fn was_contended(&self) -> bool {
        self.contended
    }

    /// Whether the connection died under a statement.
    pub(crate) fn lost_connection(&self) -> bool {
        self.lost
    }

    /// Without the guards, holds on between reading and writing, so that whoever reads meanwhile decides over the same.
    #[cfg(feature = "negative-control")]
    pub(crate) fn let_others_in(&self) {
        if !self.is_guarded() {
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// With the guards there is nothing to hold on for.
    #[cfg(not(feature = "negative-control"))]
    #[expect(clippy::unused_self, reason = "the same call with and without the feature")]
    pub(crate) fn let_others_in(&self) {}

    pub(crate) fn is_guarded(&self) -> bool {
        self.guard == SeatGuard::On
    }
}

/// Reads a text column that holds one of a few names; anything else is a corrupt row.
pub(crate) fn named<T>(
    table: &'static str,
    row: Uid,
    column: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<T, StoreError> {
    parse(text).ok_or_else(|| StoreError::Corrupt {
        table,
        row: row.0.to_string(),
        reason: format!("{column} is `{text}`"),
    })
}

/// Reads a text column that was written from a parsed value.
pub(crate) fn parsed<T>(table: &'static str, row: Uid, column: &str, text: &str) -> Result<T, StoreError>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| StoreError::Corrupt {
        table,
        row: row.0.to_string(),
        reason: format!("{column}: {error}"),
    })
}

/// Reads a count that a CHECK keeps from being negative.
pub(crate) fn count(table: &'static str, row: Uid, column: &str, value: i32) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|_| StoreError::Corrupt {
        table,
        row: row.0.to_string(),
        reason: format!("{column} is {value}"),
    })
}

/// Ids in the form of their column.
pub(crate) fn uids<I: TypedId>(ids: &[I]) -> Vec<Uid> {
    ids.iter().map(|id| Uid::of(*id)).collect()
}

/// Number of rows as the domains count.
pub(crate) fn rows(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
