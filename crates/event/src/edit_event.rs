//! A manager changes an event.

use crate::create_event::place_taken;
use crate::{
    Event, EventDetails, EventFields, EventFormat, EventStatus, EventTx, FeeFields, Helper, Organizer,
    lock_managed_event,
};
use kernel::{
    AuditEntry, Change, Ctx, Denied, EventId, Instant, Invalid, Permission, StoreError, TypedId, UserId,
};
use realtime::LiveEvent;

/// What is to change, field by field.
#[derive(Debug, Clone, Default)]
#[expect(
    missing_docs,
    reason = "each other field is that of EventFields with the same name"
)]
pub struct EventPatch {
    pub title: Change<String>,
    pub description: Change<String>,
    pub agenda: Change<String>,
    pub format: Change<EventFormat>,
    pub location: Change<String>,
    pub stream_url: Change<String>,
    pub starts_at: Change<Instant>,
    pub ends_at: Change<Instant>,
    pub time_zone: Change<String>,
    pub capacity: Change<i64>,
    pub fee: Change<FeeFields>,
    pub registration_opens_at: Change<Instant>,
    pub registration_closes_at: Change<Instant>,
    pub voting_opens_at: Change<Instant>,
    pub voting_closes_at: Change<Instant>,
    pub waitlist_enabled: Change<bool>,
    pub live_results: Change<bool>,
    pub refund_until_hours: Change<i64>,
    pub organizer_id: Change<UserId>,
    /// Whether who is to organise must have confirmed their address.
    pub require_verified_email: bool,
}

/// Why it stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum EditEventError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It was edited since the actor read it.
    #[error("the event was edited in the meantime")]
    Outdated,
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is over or called off.
    #[error("the event is read-only")]
    ReadOnly(EventStatus),
    /// A published event has this place on this date.
    #[error("the place is taken on that date")]
    PlaceTaken(Option<EventId>),
    /// More seats are taken than would be left.
    #[error("{taken} seats are taken")]
    CapacityBelowTaken {
        /// Seats that are held.
        taken: u32,
    },
    /// It would cost something, and payments are not set up.
    #[error("payments are not set up")]
    PaymentsNotConfigured,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Changes an event; with `expected_edit`, only if nobody edited it since that version. A raised capacity moves the
/// waitlist, a moved start is told to the seat holders.
pub fn edit_event(
    tx: &mut dyn EventTx,
    ctx: &Ctx,
    id: EventId,
    patch: EventPatch,
    expected_edit: Option<&[i64]>,
) -> Result<Event, EditEventError> {
    let before = lock_managed_event(tx, ctx, id, || EditEventError::NotFound)?;
    if expected_edit.is_some_and(|versions| !versions.contains(&before.edit_version)) {
        return Err(EditEventError::Outdated);
    }
    if !matches!(patch.organizer_id, Change::Keep) {
        ctx.actor.require(Permission::EventManageAny)?;
    }
    let announced_start = before.details.starts_at;
    let organizer = new_organizer(tx, &before, &patch)?;
    let fields = patched(before.fields(), patch);
    let details = EventDetails::parse(fields, ctx.now, Some(announced_start))?;
    let status = before.status_at(ctx.now);
    if matches!(status, EventStatus::Cancelled | EventStatus::Completed) {
        return Err(EditEventError::ReadOnly(status));
    }
    if details == before.details && organizer == before.organizer {
        return Ok(before);
    }
    let mut event = Event {
        details,
        organizer,
        edit_version: before.edit_version + 1,
        updated_at: ctx.now,
        ..before.clone()
    };
    if event.details.capacity < event.seats_taken {
        return Err(EditEventError::CapacityBelowTaken {
            taken: event.seats_taken,
        });
    }
    if event.status == EventStatus::Published && event.details.has_fee() {
        return Err(EditEventError::PaymentsNotConfigured);
    }
    let occupies = (event.details.place_key(), event.local_date());
    // A draft is checked at every edit: its place may have been taken since.
    let moved = occupies != (before.details.place_key(), before.local_date());
    if (moved || event.status == EventStatus::Draft)
        && let Some(other) = place_taken(tx, &event)?
    {
        return Err(EditEventError::PlaceTaken(Some(other)));
    }
    tx.update_event(&event).map_err(|error| match error {
        StoreError::Duplicate(_) => EditEventError::PlaceTaken(None),
        other => EditEventError::Store(other),
    })?;
    if event.organizer != before.organizer {
        tx.hand_over_event(id, event.organizer.id)?;
        // The organiser is not staff.
        tx.remove_staff_member(id, event.organizer.id)?;
    }
    tx.record_audit(ctx, changed_fields(&before, &event))?;
    if event.status == EventStatus::Published {
        if event.details.starts_at != announced_start {
            tx.event_moved(ctx, &event, announced_start)?;
        }
        // Raised capacity frees seats; so does a start that moved behind the present, which had stopped the queue.
        let mut seats = event.seats();
        if tx.seats_freed(ctx, &mut seats)? > 0 {
            event.seats_taken = seats.taken;
            event.waitlist_length = seats.waiting;
            event.seats_version += 1;
        }
        // Passing seats on changes nothing here: those who wait are counted off the free seats already.
        if let Some(news) = seats.availability_news(before.seats().available()) {
            tx.publish(ctx, news);
        }
        let status = event.status.as_str().to_owned();
        tx.publish(ctx, LiveEvent::EventUpdated { event_id: id, status });
    }
    Ok(event)
}

/// Whose event it is to be: an account in use that may organise.
fn new_organizer(
    tx: &mut dyn EventTx,
    before: &Event,
    patch: &EventPatch,
) -> Result<Organizer, EditEventError> {
    let id = match &patch.organizer_id {
        Change::Keep => return Ok(before.organizer.clone()),
        Change::Set(id) if *id == before.organizer.id => return Ok(before.organizer.clone()),
        Change::Set(id) => *id,
        Change::Clear => {
            return Err(Invalid::field("/organizer_id", "missing", "an event has an organiser").into());
        }
    };
    let may =
        |helper: &Helper| helper.may_organise && (helper.email_verified || !patch.require_verified_email);
    let helper = tx.find_helper(id)?.filter(may);
    let helper = helper.ok_or_else(|| {
        let detail =
            "an account in use that may organise events, with a confirmed address where that is asked for";
        Invalid::field("/organizer_id", "not_allowed", detail)
    })?;
    Ok(Organizer {
        id,
        name: helper.name,
    })
}

fn patched(fields: EventFields, patch: EventPatch) -> EventFields {
    EventFields {
        title: patch.title.apply(fields.title),
        description: patch.description.apply(fields.description),
        agenda: patch.agenda.apply(fields.agenda),
        format: patch.format.apply(fields.format),
        location: patch.location.apply(fields.location),
        stream_url: patch.stream_url.apply(fields.stream_url),
        starts_at: patch.starts_at.apply(fields.starts_at),
        ends_at: patch.ends_at.apply(fields.ends_at),
        time_zone: patch.time_zone.apply(fields.time_zone),
        capacity: patch.capacity.apply(fields.capacity),
        fee: patch.fee.apply(fields.fee),
        registration_opens_at: patch.registration_opens_at.apply(fields.registration_opens_at),
        registration_closes_at: patch.registration_closes_at.apply(fields.registration_closes_at),
        voting_opens_at: patch.voting_opens_at.apply(fields.voting_opens_at),
        voting_closes_at: patch.voting_closes_at.apply(fields.voting_closes_at),
        waitlist_enabled: patch.waitlist_enabled.apply(fields.waitlist_enabled),
        live_results: patch.live_results.apply(fields.live_results),
        refund_until_hours: patch.refund_until_hours.apply(fields.refund_until_hours),
    }
}

fn changed_fields(before: &Event, after: &Event) -> AuditEntry {
    let (old, new) = (&before.details, &after.details);
    let mut changed = Vec::new();
    let mut note = |name: &'static str, differs: bool| {
        if differs {
            changed.push(name);
        }
    };
    note("title", old.title != new.title);
    note("description", old.description != new.description);
    note("agenda", old.agenda != new.agenda);
    note("format", old.format != new.format);
    note("location", old.location != new.location);
    note("stream_url", old.stream_url != new.stream_url);
    note("starts_at", old.starts_at != new.starts_at);
    note("ends_at", old.ends_at != new.ends_at);
    note("time_zone", old.time_zone != new.time_zone);
    note("capacity", old.capacity != new.capacity);
    note("fee", old.fee != new.fee);
    note(
        "registration_opens_at",
        old.registration_opens_at != new.registration_opens_at,
    );
    note(
        "registration_closes_at",
        old.registration_closes_at != new.registration_closes_at,
    );
    note("voting_opens_at", old.voting_opens_at != new.voting_opens_at);
    note("voting_closes_at", old.voting_closes_at != new.voting_closes_at);
    note("waitlist_enabled", old.waitlist_enabled != new.waitlist_enabled);
    note("live_results", old.live_results != new.live_results);
    note(
        "refund_until_hours",
        old.refund_until_hours != new.refund_until_hours,
    );
    note("organizer_id", before.organizer.id != after.organizer.id);
    let entry = AuditEntry::new("event.edit", "event", after.id.uuid()).with("fields", &changed.join(","));
    if before.organizer.id == after.organizer.id {
        return entry;
    }
    entry.with("organizer_id", &after.organizer.id)
}
