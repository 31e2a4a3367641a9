//! A person is erased: what they hold at events that are not over is freed and passes on; what is over stays counted, and so does a
//! vote where voting is over.

use crate::release_attendee::{events_touched, release_standing};
use crate::{RegistrationTx, SeatLoss};
use kernel::{Ctx, EventId, StoreError, UserId};
use std::collections::BTreeSet;
use user::Attendee;

/// Locks the events that the person organises or takes part in, in the order of their ids, and ends what the attendee
/// holds at those that are not over. Gives how many seats came free. The person is told nothing of it.
pub fn release_person(
    tx: &mut dyn RegistrationTx,
    ctx: &Ctx,
    user_id: UserId,
    attendee: Option<&Attendee>,
) -> Result<u32, StoreError> {
    let mut events: BTreeSet<EventId> = tx.ids_of_events_of(user_id)?.into_iter().collect();
    if let Some(attendee) = attendee {
        events.append(&mut events_touched(tx, attendee)?);
    }
    let mut freed = 0;
    for event_id in events {
        let Some(mut seats) = tx.lock_event_seats(event_id)? else {
            continue;
        };
        let Some(attendee) = attendee.filter(|_| !seats.is_read_only_at(ctx.now)) else {
            continue;
        };
        // Looked up again: before the lock, the queue may have given the attendee a seat.
        if let Some(standing) = tx.find_standing_of_attendee(event_id, attendee.id)? {
            freed += release_standing(tx, ctx, &mut seats, &standing, SeatLoss::Erased)?;
        }
    }
    Ok(freed)
}
