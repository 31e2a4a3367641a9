//! A new draft is made after an event that there is.

use crate::create_event::{FIRST_RANK, place_taken};
use crate::{
    Event, EventDetails, EventFields, EventStatus, EventTx, ManageEventError, Organizer, StreamStatus,
    require_manager,
};
use kernel::{AuditEntry, Ctx, Denied, EventId, Instant, Invalid, Permission, StoreError, TypedId};

/// What is asked for. What is not said is as in the original.
#[derive(Debug, Clone)]
pub struct CopyEvent {
    /// The original.
    pub id: EventId,
    /// What the copy is called.
    pub title: Option<String>,
    /// Where it is.
    pub location: Option<String>,
    /// When it starts; needed if the original has started. End and windows move with it.
    pub starts_at: Option<Instant>,
    /// When it ends.
    pub ends_at: Option<Instant>,
    /// Whether the original's staff helps at the copy too.
    pub with_staff: bool,
    /// Whether only who confirmed their address may organise: what the operator configured.
    pub require_verified_email: bool,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum CopyEventError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A published event has this place on this date; often it is the original.
    #[error("the place is taken on that date")]
    PlaceTaken(Option<EventId>),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Asks whether the actor may copy the event: who runs it, and may make events.
pub fn require_copier(
    tx: &mut (impl crate::EventRepository + ?Sized),
    ctx: &Ctx,
    id: EventId,
) -> Result<(), ManageEventError> {
    require_manager(tx, ctx, id)?;
    Ok(ctx.actor.require(Permission::EventCreate)?)
}

/// Makes a draft of the actor's with the details of an event. Nothing of its seats comes along.
pub fn copy_event(tx: &mut dyn EventTx, ctx: &Ctx, command: CopyEvent) -> Result<Event, CopyEventError> {
    require_copier(tx, ctx, command.id)?;
    let organizer = ctx.actor.signed_in()?;
    if command.require_verified_email && !organizer.email_verified {
        return Err(Denied::EmailNotVerified.into());
    }
    let (organizer_id, with_staff) = (organizer.user_id, command.with_staff);
    let original = tx.find_event(command.id)?.ok_or(CopyEventError::NotFound)?;
    let name = tx
        .find_organizer_name(organizer_id)?
        .ok_or(Denied::Unauthenticated)?;
    let fields = fields_of_copy(&original, command, ctx.now)?;
    let event = Event {
        id: ctx.new_id(),
        organizer: Organizer {
            id: organizer_id,
            name,
        },
        speaker: None,
        status: EventStatus::Draft,
        details: EventDetails::parse(fields, ctx.now, None)?,
        seats_taken: 0,
        waitlist_length: 0,
        next_rank: FIRST_RANK,
        stream_status: StreamStatus::Idle,
        edit_version: 1,
        seats_version: 1,
        published_at: None,
        created_at: ctx.now,
        updated_at: ctx.now,
    };
    if let Some(other) = place_taken(tx, &event)? {
        return Err(CopyEventError::PlaceTaken(Some(other)));
    }
    tx.insert_event(&event)?;
    let mut entry = AuditEntry::new("event.copy", "event", event.id.uuid()).with("from", &original.id);
    if with_staff {
        let helpers = tx.copy_staff(original.id, &event, ctx.now)?;
        entry = entry.with("staff", &helpers);
    }
    tx.record_audit(ctx, entry)?;
    Ok(event)
}

/// The original's fields, with its times moved as far as its start; its windows on the clock of where it takes place, so that
/// what opened in the morning opens in the morning when the clock was changed between.
fn fields_of_copy(original: &Event, command: CopyEvent, now: Instant) -> Result<EventFields, Invalid> {
    let fields = original.fields();
    let announced = original.details.starts_at;
    let starts_at = command.starts_at.unwrap_or(announced);
    if command.starts_at.is_none() && announced <= now {
        let detail = "the event has started: say when its copy does";
        return Err(Invalid::field("/starts_at", "missing", detail));
    }
    let by = starts_at - announced;
    // A start so far away that the others cannot follow is refused as it is.
    let moved = |at: Instant| at.checked_add_signed(by).unwrap_or(starts_at);
    let zone = original.details.time_zone;
    let by_the_clock = zone.wall_clock(starts_at) - zone.wall_clock(announced);
    let opens_or_closes = |at: Instant| {
        let moved = moved(at);
        let meant = zone.wall_clock(at).checked_add_signed(by_the_clock);
        let missing = meant.map(|meant| meant - zone.wall_clock(moved));
        missing
            .and_then(|missing| moved.checked_add_signed(missing))
            .unwrap_or(moved)
    };
    Ok(EventFields {
        title: command.title.or(fields.title),
        location: command.location.or(fields.location),
        starts_at: Some(starts_at),
        ends_at: command.ends_at.or(fields.ends_at.map(moved)),
        registration_opens_at: fields.registration_opens_at.map(opens_or_closes),
        registration_closes_at: fields.registration_closes_at.map(opens_or_closes),
        voting_opens_at: fields.voting_opens_at.map(opens_or_closes),
        voting_closes_at: fields.voting_closes_at.map(opens_or_closes),
        ..fields
    })
}
