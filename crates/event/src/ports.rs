//! What an event's operations need, and what they set in motion above them.

use crate::{Event, EventRepository, EventSeats, StaffRepository};
use kernel::{AuditLog, Ctx, Instant, StoreError};
use notification::Outbox;
use realtime::LiveEvents;

/// Told when seats came free without anybody leaving: the capacity was raised.
pub trait SeatsFreed {
    /// Gives the free seats to those who wait; gives how many got one.
    fn seats_freed(&mut self, ctx: &Ctx, seats: &mut EventSeats) -> Result<u32, StoreError>;
}

/// How an event ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is called off; its rows stay.
    Cancelled,
    /// It is deleted; its rows go.
    Deleted,
}

/// Told when an event is called off or deleted.
pub trait EventEnded {
    /// Ends all live registrations and waiting entries and tells everybody who had one; gives how many were told.
    fn event_ended(
        &mut self,
        ctx: &Ctx,
        seats: &mut EventSeats,
        ending: Ending,
        reason: Option<&str>,
    ) -> Result<u32, StoreError>;
}

/// Told when the start of a published event moved.
pub trait EventMoved {
    /// Tells the seat holders.
    fn event_moved(&mut self, ctx: &Ctx, event: &Event, previous_start: Instant) -> Result<(), StoreError>;
}

/// What the operations on events need of a transaction.
pub trait EventTx:
    EventRepository + StaffRepository + Outbox + LiveEvents + AuditLog + SeatsFreed + EventEnded + EventMoved
{
}
