//! The queue is read: by its managers whole, by a person their own place and its log.

use crate::{EntryLogLine, EntryStatus, WaitlistEntry, WaitlistPlace, WaitlistTx};
use event::manages;
use kernel::{Ctx, Denied, EventId, Page, PageRequest, StoreError};

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadWaitlistError {
    /// No such event, or the person never waited there.
    #[error("nothing there")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// So many lines of the log the person is shown, the newest.
const MOST_LINES: u32 = 100;

/// What a person sees of their own place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitlistStanding {
    /// The place.
    pub entry: WaitlistEntry,
    /// From 1; none while a seat is offered, and of a place that has ended.
    pub position: Option<u32>,
    /// How many wait.
    pub length: u32,
    /// What happened to the place last, in order.
    pub log: Vec<EntryLogLine>,
}

/// The queue of an event, for its managers.
pub fn list_waitlist(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    event_id: EventId,
    page: PageRequest,
) -> Result<Page<WaitlistPlace>, ReadWaitlistError> {
    let event = tx.find_event(event_id)?.ok_or(ReadWaitlistError::NotFound)?;
    manages(tx, &ctx.actor, event.reference(), ReadWaitlistError::NotFound)?;
    Ok(tx.list_waiting(event_id, page)?)
}

/// The actor's own place in an event's queue, or the one that ended last.
pub fn own_standing(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    event_id: EventId,
) -> Result<WaitlistStanding, ReadWaitlistError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let event = tx
        .find_event(event_id)?
        .filter(|event| !event.is_private())
        .ok_or(ReadWaitlistError::NotFound)?;
    let entry = match tx.find_live_entry_of_user(event_id, user_id)? {
        Some(entry) => entry,
        // Why it ended stands in its log.
        None => tx
            .find_ended_entry_of_user(event_id, user_id)?
            .ok_or(ReadWaitlistError::NotFound)?,
    };
    let position = match entry.status {
        EntryStatus::Waiting => Some(tx.waitlist_position(event_id, entry.rank)?),
        _ => None,
    };
    // That others were given more room is nothing that happened to the person.
    let log = tx.list_told_log(entry.id, MOST_LINES)?;
    Ok(WaitlistStanding {
        entry,
        position,
        length: event.waitlist_length,
        log,
    })
}

/// The actor's own places in all queues.
pub fn list_own_places(
    tx: &mut dyn WaitlistTx,
    ctx: &Ctx,
    page: PageRequest,
) -> Result<Page<WaitlistPlace>, ReadWaitlistError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    Ok(tx.list_live_entries_of_user(user_id, page)?)
}
