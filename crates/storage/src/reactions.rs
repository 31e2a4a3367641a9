//! Who reacts to whom: every port that a domain declares for what stands above it, in the same transaction. This stands
//! here and nowhere else.
//!
//! | When | then |
//! |---|---|
//! | an event's capacity was raised | its queue moves up |
//! | an event is called off or deleted | its registrations and entries end, everybody is told, its campaigns end; of one that is deleted votes, candidates and campaigns go |
//! | the start of an event moved | its seat holders are told |
//! | an attendee is removed | its seats pass on; its votes and candidacies go, with the campaigns for them |
//! | somebody loses a seat | their vote goes, their candidacy ends with the votes for it; if they were to speak, the event has no speaker |
//! | a guest turns out to be somebody | the guest's votes are theirs where they have none, and so are the links in campaigns' mails |
//! | a candidacy ends | the campaigns for it end |
//! | a person is erased | what they hold at events that are not over passes on, but for votes where voting is over; campaigns that they asked for end |
//! | a person is called otherwise | so is the speaker of events that they are to speak at |
//! | a worker has done with a campaign's mail, or an admin with a dead one | its delivery says so (`campaigns/settled.rs`) |
//! | an address is proven to be a person's | what a guest with that address holds is theirs; it takes mail, and who unsubscribed at the address before stays so |

use crate::Tx;
use crate::columns::Uid;
use event::{Ending, Event, EventEnded, EventMoved, EventSeats, EventTx, SeatsFreed};
use kernel::{AttendeeId, Ctx, EmailAddress, EventId, Instant, ServerKeys, StoreError, UserId};
use registration::{SeatLoss, SeatLost};
use user::{
    Attendee, AttendeeRemoved, AttendeeTx, EmailVerified, PersonErased, PersonRenamed, ProfileTx, User,
};
use voting::{Candidate, CandidateLeft, CandidateRepository};

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
        let told = registration::end_event(self, ctx, seats, ending, reason)?;
        match ending {
            Ending::Cancelled => campaign::end_campaigns_of_event(self, ctx, seats.id)?,
            Ending::Deleted => {
                self.delete_campaigns_at(seats.id)?;
                // After the registrations: who was voting with one has committed, and nobody does any more.
                self.delete_voting_of(seats.id)?;
            }
        }
        Ok(told)
    }
}

impl EventMoved for Tx<'_> {
    fn event_moved(&mut self, ctx: &Ctx, event: &Event, previous_start: Instant) -> Result<(), StoreError> {
        registration::tell_moved(self, ctx, event, previous_start)
    }
}

impl AttendeeRemoved for Tx<'_> {
    fn before_attendee_removed(&mut self, attendee: &Attendee) -> Result<(), StoreError> {
        registration::lock_events_of(self, attendee)?;
        // Who votes holds a registration before the attendee.
        self.hold_registrations_of(attendee.id)
    }

    fn attendee_removed(&mut self, ctx: &Ctx, attendee: &Attendee) -> Result<u32, StoreError> {
        let freed = registration::release_attendee(self, ctx, attendee)?;
        self.delete_campaigns_for(attendee.id)?;
        self.delete_votes_and_candidacies_of(attendee.id)?;
        self.forget_deliveries_to(None, Some(Uid::of(attendee.id)), ctx.now)?;
        Ok(freed)
    }
}

impl PersonErased for Tx<'_> {
    fn person_erased(
        &mut self,
        ctx: &Ctx,
        user_id: UserId,
        attendee: Option<&Attendee>,
    ) -> Result<u32, StoreError> {
        let freed = registration::release_person(self, ctx, user_id, attendee)?;
        campaign::withdraw_campaigns_of(self, ctx, user_id)?;
        Ok(freed)
    }
}

impl PersonRenamed for Tx<'_> {
    fn before_person_renamed(&mut self, user_id: UserId) -> Result<(), StoreError> {
        voting::lock_events_spoken_at(self, user_id)
    }

    fn person_renamed(&mut self, ctx: &Ctx, user_id: UserId) -> Result<(), StoreError> {
        voting::speaker_renamed(self, ctx, user_id)
    }
}

impl SeatLost for Tx<'_> {
    fn seat_lost(
        &mut self,
        ctx: &Ctx,
        seats: &EventSeats,
        attendee_id: AttendeeId,
        loss: SeatLoss,
    ) -> Result<(), StoreError> {
        voting::leave(self, ctx, seats, attendee_id, loss)
    }

    fn events_told_of(&mut self, attendee_id: AttendeeId) -> Result<Vec<EventId>, StoreError> {
        self.list_events_stood_at(attendee_id)
    }

    fn guest_merged(&mut self, from: AttendeeId, to: AttendeeId) -> Result<(), StoreError> {
        self.give_votes(from, to)?;
        self.give_deliveries(Uid::of(from), Uid::of(to))
    }
}

impl CandidateLeft for Tx<'_> {
    fn candidate_left(&mut self, ctx: &Ctx, candidate: &Candidate) -> Result<(), StoreError> {
        campaign::end_campaigns_of(self, ctx, candidate.id)
    }
}

impl EmailVerified for Tx<'_> {
    fn email_verified(
        &mut self,
        ctx: &Ctx,
        keys: &ServerKeys,
        user: &User,
        email: &EmailAddress,
    ) -> Result<(), StoreError> {
        self.claim_mail(user.id, email)?;
        campaign::address_proven(self, ctx, keys, &user.email, email)?;
        registration::link_guest(self, ctx, &user.account(), email)
    }
}

impl EventTx for Tx<'_> {}
impl event::StaffTx for Tx<'_> {}
impl AttendeeTx for Tx<'_> {}
impl ProfileTx for Tx<'_> {}
impl auth::AuthTx for Tx<'_> {}
impl admin::AdminTx for Tx<'_> {}
impl admin::JobTx for Tx<'_> {}
impl auth::ErasePersonTx for Tx<'_> {}
impl auth::ExportPersonTx for Tx<'_> {}
impl waitlist::WaitlistTx for Tx<'_> {}
impl registration::RegistrationTx for Tx<'_> {}
impl voting::VotingTx for Tx<'_> {}
impl campaign::CampaignTx for Tx<'_> {}
