//! What stands above seats and reacts.

use event::EventSeats;
use kernel::{AttendeeId, Ctx, StoreError};

/// Told when somebody loses a seat, or turns out to be somebody else.
pub trait SeatLost {
    /// Somebody holds no seat at the locked event any more; the registration has ended in this transaction. Not told of an
    /// event that is called off or deleted, where all lose theirs.
    fn seat_lost(&mut self, ctx: &Ctx, seats: &EventSeats, attendee_id: AttendeeId)
    -> Result<(), StoreError>;

    /// What a guest, who never had an account, took part in is another's from now on: their registrations are given over or
    /// ended, and the guest is about to go.
    fn guest_merged(&mut self, from: AttendeeId, to: AttendeeId) -> Result<(), StoreError>;
}
