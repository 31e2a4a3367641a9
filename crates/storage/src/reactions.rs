//! Who reacts to whom: every port that a domain declares for what stands above it, in the same transaction. This stands
//! here and nowhere else.
//!
//! | When | then |
//! |---|---|
//! | an event's capacity was raised | its queue moves up |
//! | an event is called off or deleted | its registrations and entries end, everybody is told |
//! | the start of an event moved | its seat holders are told |
//! | an attendee is removed | its seats pass on |
//! | a person is erased | what they hold at events that are not over passes on |
//! | an address is proven to be a person's | what a guest with that address holds is theirs |

use crate::Tx;
use event::{Ending, Event, EventEnded, EventMoved, EventSeats, EventTx, SeatsFreed};
use kernel::{Ctx, EmailAddress, Instant, StoreError, UserId};
use user::{Attendee, AttendeeRemoved, EmailVerified, PersonErased, RemoveAttendeeTx, User};

impl SeatsFreed for Tx<'_> {
    fn seats_freed(&mut self, ctx: &Ctx, seats: &mut EventSeats) -> Result<u32, StoreError> {
        registration::pass_on_seats(self, ctx, seats, 0)
    }
}

impl EventEnded for Tx<'_> {
    fn event_ended(
        &mut self,
        ctx: &Ctx,
        seats: &mut EventSeats,
        ending: Ending,
        reason: Option<&str>,
    ) -> Result<u32, StoreError> {
        registration::end_event(self, ctx, seats, ending, reason)
    }
}

impl EventMoved for Tx<'_> {
    fn event_moved(&mut self, ctx: &Ctx, event: &Event, previous_start: Instant) -> Result<(), StoreError> {
        registration::tell_moved(self, ctx, event, previous_start)
    }
}

impl AttendeeRemoved for Tx<'_> {
    fn attendee_removed(&mut self, ctx: &Ctx, attendee: &Attendee) -> Result<u32, StoreError> {
        registration::release_attendee(self, ctx, attendee)
    }
}

impl PersonErased for Tx<'_> {
    fn person_erased(
        &mut self,
        ctx: &Ctx,
        user_id: UserId,
        attendee: Option<&Attendee>,
    ) -> Result<u32, StoreError> {
        registration::release_person(self, ctx, user_id, attendee)
    }
}

impl EmailVerified for Tx<'_> {
    fn email_verified(&mut self, ctx: &Ctx, user: &User, email: &EmailAddress) -> Result<(), StoreError> {
        self.claim_mail(user.id, email)?;
        registration::link_guest(self, ctx, &user.account(), email)
    }
}

impl EventTx for Tx<'_> {}
impl event::StaffTx for Tx<'_> {}
impl RemoveAttendeeTx for Tx<'_> {}
impl auth::AuthTx for Tx<'_> {}
impl admin::AdminTx for Tx<'_> {}
impl admin::JobTx for Tx<'_> {}
impl auth::ErasePersonTx for Tx<'_> {}
impl auth::ExportPersonTx for Tx<'_> {}
impl waitlist::WaitlistTx for Tx<'_> {}
impl registration::RegistrationTx for Tx<'_> {}
