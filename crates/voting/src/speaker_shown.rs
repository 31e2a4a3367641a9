//! Events show who speaks there: whoever changes that tells those who watch.

use crate::VotingTx;
use event::EventStatus;
use kernel::{Ctx, EventId, StoreError, UserId};
use realtime::LiveEvent;

/// Locks the events that show the person as their speaker, in the order of their ids. Before the person's account is locked.
pub fn lock_events_spoken_at(tx: &mut dyn VotingTx, user_id: UserId) -> Result<(), StoreError> {
    for event_id in tx.list_events_spoken_at(user_id)? {
        tx.lock_event_seats(event_id)?;
    }
    Ok(())
}

/// The person is called otherwise, and so is the speaker of these events.
pub fn speaker_renamed(tx: &mut dyn VotingTx, ctx: &Ctx, user_id: UserId) -> Result<(), StoreError> {
    for event_id in tx.list_events_spoken_at(user_id)? {
        // It was locked before, but for one where they were chosen since.
        let Some(seats) = tx.lock_event_seats(event_id)? else {
            continue;
        };
        tx.show_speaker_anew(event_id)?;
        tell_event_changed(tx, ctx, event_id, seats.status);
    }
    Ok(())
}

/// Tells those who watch that the event is another than before; of one that is not announced, or over, nobody.
pub(crate) fn tell_event_changed(tx: &mut dyn VotingTx, ctx: &Ctx, event_id: EventId, status: EventStatus) {
    if status == EventStatus::Published {
        let status = status.as_str().to_owned();
        tx.publish(ctx, LiveEvent::EventUpdated { event_id, status });
    }
}
