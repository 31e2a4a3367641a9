//! What people's operations set in motion above them.

use crate::Attendee;
use kernel::{Ctx, StoreError};

/// Told before an attendee goes: its seats are freed and pass on, its rows go.
pub trait AttendeeRemoved {
    /// Frees what the attendee holds; gives the number of seats freed.
    fn attendee_removed(&mut self, ctx: &Ctx, attendee: &Attendee) -> Result<u32, StoreError>;
}
