//! The rules of registering, as a pure function over what was loaded under the event's lock. One person and a batch of
//! many are decided here alike.

use crate::Standing;
use event::{EventSeats, RegistrationState};
use kernel::{Instant, RegistrationId, WaitlistEntryId};

/// What becomes of a person who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A seat.
    Seat,
    /// A place at the end of the queue.
    Queue,
}

/// Why a person cannot register.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The event is a draft, called off or over.
    NotPublished,
    /// It costs something, and payments are not set up.
    PaymentsNotConfigured,
    /// The window opens later.
    NotOpen(Option<Instant>),
    /// The window is over.
    Closed,
    /// There is a live registration.
    AlreadyRegistered(RegistrationId),
    /// There is a live entry in the queue.
    AlreadyWaiting(WaitlistEntryId),
    /// No seat is left, and there is no queue to join.
    Full,
}

/// Decides; everybody who waits must have been served from the free seats before. The order of the checks is part of
/// the contract.
pub fn decide(now: Instant, seats: &EventSeats, standing: &Standing) -> Result<Decision, Refusal> {
    if seats.is_read_only_at(now) || seats.status == event::EventStatus::Draft {
        return Err(Refusal::NotPublished);
    }
    if seats.has_fee() {
        return Err(Refusal::PaymentsNotConfigured);
    }
    let state = seats.registration_state(now);
    match state {
        RegistrationState::NotOpen => return Err(Refusal::NotOpen(seats.registration_opens_at)),
        RegistrationState::Closed | RegistrationState::Cancelled => return Err(Refusal::Closed),
        RegistrationState::Open | RegistrationState::Waitlist | RegistrationState::Full => {}
    }
    if let Some(registration) = &standing.registration {
        return Err(Refusal::AlreadyRegistered(registration.id));
    }
    if let Some(entry) = &standing.entry {
        return Err(Refusal::AlreadyWaiting(entry.id));
    }
    match state {
        RegistrationState::Open => Ok(Decision::Seat),
        RegistrationState::Waitlist => Ok(Decision::Queue),
        _ => Err(Refusal::Full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, Duration};
    use event::EventStatus;
    use kernel::{EventId, TypedId, UserId};
    use uuid::Uuid;

    fn now() -> Instant {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn seats(capacity: u32, taken: u32, waiting: u32) -> EventSeats {
        EventSeats {
            id: EventId::from_uuid(Uuid::nil()),
            organizer_id: UserId::from_uuid(Uuid::nil()),
            status: EventStatus::Published,
            published_at: None,
            title: String::new(),
            location: None,
            starts_at: now() + Duration::days(1),
            ends_at: now() + Duration::days(2),
            time_zone: "UTC".into(),
            fee_amount: 0,
            registration_opens_at: None,
            registration_closes_at: None,
            capacity,
            taken,
            waitlist_enabled: true,
            waiting,
            next_rank: 1,
        }
    }

    #[test]
    fn a_free_seat_is_given_and_a_full_event_has_a_queue() {
        assert_eq!(
            decide(now(), &seats(2, 1, 0), &Standing::default()),
            Ok(Decision::Seat)
        );
        assert_eq!(
            decide(now(), &seats(2, 2, 0), &Standing::default()),
            Ok(Decision::Queue)
        );
        let no_queue = EventSeats {
            waitlist_enabled: false,
            ..seats(2, 2, 0)
        };
        assert_eq!(decide(now(), &no_queue, &Standing::default()), Err(Refusal::Full));
    }

    #[test]
    fn nobody_passes_somebody_who_waits() {
        assert_eq!(
            decide(now(), &seats(2, 1, 1), &Standing::default()),
            Ok(Decision::Queue)
        );
    }

    #[test]
    fn the_window_is_asked_of_the_clock() {
        let later = EventSeats {
            registration_opens_at: Some(now() + Duration::seconds(1)),
            ..seats(1, 0, 0)
        };
        assert!(matches!(
            decide(now(), &later, &Standing::default()),
            Err(Refusal::NotOpen(_))
        ));
        let over = EventSeats {
            registration_closes_at: Some(now()),
            ..seats(1, 0, 0)
        };
        assert_eq!(decide(now(), &over, &Standing::default()), Err(Refusal::Closed));
        assert_eq!(
            decide(now() + Duration::days(1), &seats(1, 0, 0), &Standing::default()),
            Err(Refusal::Closed)
        );
        assert_eq!(
            decide(now() + Duration::days(2), &seats(1, 0, 0), &Standing::default()),
            Err(Refusal::NotPublished)
        );
    }

    #[test]
    fn what_is_not_published_is_refused_first() {
        for status in [EventStatus::Draft, EventStatus::Cancelled, EventStatus::Completed] {
            let event = EventSeats {
                status,
                ..seats(1, 1, 0)
            };
            assert_eq!(
                decide(now(), &event, &Standing::default()),
                Err(Refusal::NotPublished)
            );
        }
    }
}
