//! What stands above seats and reacts.

use event::EventSeats;
use kernel::{AttendeeId, Ctx, EventId, StoreError};

/// How somebody came to hold a seat no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeatLoss {
    /// It was given back or taken away.
    Ended,
    /// The person is being erased: nothing may name them from now on, and what is decided stays counted.
    Erased,
}

/// Told when somebody loses a seat, or turns out to be somebody else.
pub trait SeatLost {
    /// Somebody holds no seat at the locked event any more; the registration has ended in this transaction. Not told of an
    /// event that is called off or deleted, where all lose theirs.
    fn seat_lost(
        &mut self,
        ctx: &Ctx,
        seats: &EventSeats,
        attendee_id: AttendeeId,
        loss: SeatLoss,
    ) -> Result<(), StoreError>;

    /// The events whose rows may be written when the attendee goes, whether they hold a seat there or not.
    fn events_told_of(&mut self, attendee_id: AttendeeId) -> Result<Vec<EventId>, StoreError>;

    /// What a guest, who never had an account, took part in is another's from now on: their registrations are given over or
    /// ended, and the guest is about to go.
    fn guest_merged(&mut self, from: AttendeeId, to: AttendeeId) -> Result<(), StoreError>;
}
