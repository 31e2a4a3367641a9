//! People with a seat are reminded of their event, a day and three hours before it starts.
//!
//! Invariants: a round of reminders, which is one distance to one start of one event, is asked for once, whoever looks; so
//! a start that moves plans itself anew. Of two rounds that are due, the nearer alone is asked for. Nobody is reminded of
//! what they took a seat at after the round was due: they have just been told.

use crate::{Mailing, RegistrationTx, Written, begin_mailing};
use chrono::TimeDelta;
use event::EventStatus;
use kernel::{Ctx, EventId, Instant, RegistrationId, StoreError, TypedId};
use notification::{Message, ReminderLead};

/// A round waits so long after it is due, so that who began to register before is seen.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// So many events are looked at in one scan; the others in the next.
const EVENTS_AT_ONCE: u32 = 1_000;

/// The events that reminders are due for, the soonest first.
pub fn list_events_to_remind(tx: &mut dyn RegistrationTx, ctx: &Ctx) -> Result<Vec<EventId>, StoreError> {
    let mut found = Vec::new();
    let mut after = ctx.now;
    for lead in ReminderLead::ALL {
        // A start up to here is near enough for this round, and after `after` too far away for the nearer one.
        let until = ctx.now + lead.before() - GRACE;
        let left = EVENTS_AT_ONCE.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        found.extend(tx.events_without_round(lead, after, until, left)?);
        after = until;
    }
    Ok(found)
}

/// Asks for the reminders of one event that are due now: the first few hundred at once, the others by
/// [`continue_mailing`](crate::continue_mailing).
pub fn remind(tx: &mut dyn RegistrationTx, ctx: &Ctx, event_id: EventId) -> Result<Written, StoreError> {
    const NONE: Written = Written {
        people: 0,
        left: None,
    };
    // Under the lock the start stays, and whoever takes a seat meanwhile comes before or after.
    let Some(seats) = tx.lock_event_seats(event_id)? else {
        return Ok(NONE);
    };
    if seats.status != EventStatus::Published {
        return Ok(NONE);
    }
    let Some(lead) = due_round(seats.starts_at, ctx.now) else {
        return Ok(NONE);
    };
    // Those farther away are over with it: nothing late shall come of them.
    let mut is_new = false;
    for round in ReminderLead::ALL
        .into_iter()
        .filter(|round| round.hours() >= lead.hours())
    {
        let begun = tx.begin_reminder_round(event_id, round, seats.starts_at, ctx.now)?;
        is_new |= begun && round == lead;
    }
    if !is_new {
        return Ok(NONE);
    }
    let message = Message::Reminder {
        event: seats.facts(),
        registration_id: RegistrationId::from_uuid(uuid::Uuid::nil()),
        lead,
    };
    let registered_by = seats.starts_at - lead.before();
    begin_mailing(
        tx,
        ctx,
        Mailing::to_holders(ctx, event_id, message, registered_by),
    )
}

/// The nearest round that is due; none from the start on.
fn due_round(starts_at: Instant, now: Instant) -> Option<ReminderLead> {
    ReminderLead::ALL
        .into_iter()
        .find(|lead| now < lead.worth_until(starts_at) && now >= starts_at - lead.before() + GRACE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(minutes_before: i64) -> Option<ReminderLead> {
        let starts_at = Instant::default();
        due_round(starts_at, starts_at - TimeDelta::minutes(minutes_before))
    }

    #[test]
    fn the_nearest_round_alone_is_due_and_none_from_the_start_on() {
        assert_eq!(due(24 * 60 + 1), None);
        assert_eq!(
            due(24 * 60),
            None,
            "whoever registers at that moment is waited for"
        );
        assert_eq!(due(24 * 60 - 1), Some(ReminderLead::Day));
        assert_eq!(due(3 * 60 + 1), Some(ReminderLead::Day));
        assert_eq!(due(3 * 60), None, "too late for the one, too early for the other");
        assert_eq!(due(3 * 60 - 1), Some(ReminderLead::Hours));
        assert_eq!(due(1), Some(ReminderLead::Hours));
        assert_eq!(due(0), None);
        assert_eq!(due(-1), None);
    }
}
