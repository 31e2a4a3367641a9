//! What people's operations set in motion above them.

use crate::{Attendee, User};
use kernel::{Ctx, EmailAddress, ServerKeys, StoreError, UserId};

/// Told before an attendee goes: its seats are freed and pass on, its rows go.
pub trait AttendeeRemoved {
    /// Locks the events at which the attendee holds or waits for a seat.
    fn before_attendee_removed(&mut self, attendee: &Attendee) -> Result<(), StoreError>;
    /// Frees what the attendee holds; gives the number of seats freed.
    fn attendee_removed(&mut self, ctx: &Ctx, attendee: &Attendee) -> Result<u32, StoreError>;
}

/// Told before a person is erased: what they hold is freed and passes on, what is over stays.
pub trait PersonErased {
    /// Locks the events that the person organises or takes part in, and frees what the attendee holds at those that are
    /// not over; gives the number of seats freed.
    fn person_erased(
        &mut self,
        ctx: &Ctx,
        user_id: UserId,
        attendee: Option<&Attendee>,
    ) -> Result<u32, StoreError>;
}

/// Told when a person is called otherwise than before, by themselves or by an admin.
pub trait PersonRenamed {
    /// Locks the events that show the person's name; before the account is locked.
    fn before_person_renamed(&mut self, user_id: UserId) -> Result<(), StoreError>;
    /// They show the name that the account has now.
    fn person_renamed(&mut self, ctx: &Ctx, user_id: UserId) -> Result<(), StoreError>;
}

/// Told when an address was proven to be a person's: a guest who was noted with it is that person.
pub trait EmailVerified {
    /// Makes what the guest holds the person's. `email` is the account's address or is about to become it; the account's
    /// rows are changed after this, because events are locked here.
    fn email_verified(
        &mut self,
        ctx: &Ctx,
        keys: &ServerKeys,
        user: &User,
        email: &EmailAddress,
    ) -> Result<(), StoreError>;
}
