//! An event is made, as a draft or published at once.

use crate::{
    Event, EventDetails, EventFields, EventStatus, EventTx, Organizer, PublishEventError, StreamStatus,
    publish_event::publish,
};
use kernel::{AuditEntry, Ctx, Denied, EventId, Invalid, Permission, StoreError, TypedId};

/// What is to be made.
#[derive(Debug, Clone)]
pub struct CreateEvent {
    /// Its fields as written.
    pub fields: EventFields,
    /// Whether it is announced at once.
    pub publish: bool,
    /// Whether only who confirmed their address may organise: what the operator configured.
    pub require_verified_email: bool,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateEventError {
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Fields do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// A published event has this place on this date.
    #[error("the place is taken on that date")]
    PlaceTaken(Option<EventId>),
    /// It costs something, and payments are not set up.
    #[error("payments are not set up")]
    PaymentsNotConfigured,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<PublishEventError> for CreateEventError {
    fn from(error: PublishEventError) -> Self {
        match error {
            PublishEventError::PlaceTaken(by) => Self::PlaceTaken(by),
            PublishEventError::PaymentsNotConfigured => Self::PaymentsNotConfigured,
            PublishEventError::Denied(denied) => Self::Denied(denied),
            PublishEventError::Store(error) => Self::Store(error),
            PublishEventError::StartIsPast => {
                Self::Invalid(Invalid::field("/starts_at", "past", "the start is in the future"))
            }
            PublishEventError::NotFound | PublishEventError::NotDraft(_) => {
                Self::Store(StoreError::Internal("a new event is a draft".into()))
            }
        }
    }
}

/// The rank of the first entry of a waitlist: any number does, since the waitlist goes up and down from it.
pub(crate) const FIRST_RANK: i64 = 1 << 20;

/// Makes an event that the actor organises.
pub fn create_event(
    tx: &mut dyn EventTx,
    ctx: &Ctx,
    command: CreateEvent,
) -> Result<Event, CreateEventError> {
    ctx.actor.require(Permission::EventCreate)?;
    let organizer = ctx.actor.signed_in()?;
    if command.require_verified_email && !organizer.email_verified {
        return Err(Denied::EmailNotVerified.into());
    }
    let organizer_id = organizer.user_id;
    let details = EventDetails::parse(command.fields, ctx.now, None)?;
    let name = tx
        .find_organizer_name(organizer_id)?
        .ok_or(Denied::Unauthenticated)?;
    let mut event = Event {
        id: ctx.new_id(),
        organizer: Organizer {
            id: organizer_id,
            name,
        },
        speaker: None,
        status: EventStatus::Draft,
        details,
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
        return Err(CreateEventError::PlaceTaken(Some(other)));
    }
    tx.insert_event(&event)?;
    tx.record_audit(ctx, AuditEntry::new("event.create", "event", event.id.uuid()))?;
    if command.publish {
        publish(tx, ctx, &mut event)?;
    }
    Ok(event)
}

/// The published event that has this event's place on its date.
pub(crate) fn place_taken(tx: &mut dyn EventTx, event: &Event) -> Result<Option<EventId>, StoreError> {
    match event.details.place_key() {
        Some(place) => tx.find_event_at(&place, event.local_date(), event.id),
        None => Ok(None),
    }
}
