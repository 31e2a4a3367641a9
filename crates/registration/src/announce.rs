//! A manager writes to all who hold a seat.

use crate::{Mailing, RegistrationTx, begin_mailing};
use chrono::TimeDelta;
use event::{EventStatus, lock_managed_event};
use kernel::{AuditEntry, Ctx, Denied, EventId, Invalid, RegistrationId, StoreError, TypedId};
use notification::Message;

/// Characters of a subject at the most.
const LONGEST_SUBJECT: usize = 120;
/// Characters of a text at the most: it is kept once for each recipient until it is sent.
const LONGEST_BODY: usize = 5_000;

/// What the audit log calls it.
const ANNOUNCED: &str = "event.announce";

/// What is to be said.
#[derive(Debug, Clone)]
pub struct Announce {
    /// To those who hold a seat at this event.
    pub event_id: EventId,
    /// One line of 1 to 120 characters.
    pub subject: String,
    /// Plain text of 1 to 5,000 characters; an empty line ends a paragraph.
    pub body: String,
    /// How many announcements an event may make within 24 hours: what the operator configured.
    pub per_day: u32,
}

/// Why nothing was said.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// There is no such event, or it is somebody else's draft.
    #[error("no such event")]
    NotFound,
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// Subject or text do not fit.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It is a draft: nobody has a seat.
    #[error("the event is not published")]
    NotPublished,
    /// It is called off, and everybody was told.
    #[error("the event is called off")]
    CalledOff,
    /// The event made as many as it may within 24 hours.
    #[error("no more than {0} announcements within 24 hours")]
    TooMany(u32),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

event::refuse_alike!(AnnounceError => NotFound);

/// Writes to everybody who holds a seat, also after the end of the event.
pub fn announce(tx: &mut dyn RegistrationTx, ctx: &Ctx, command: Announce) -> Result<(), AnnounceError> {
    // Under the lock announcements come one after the other, and are counted right.
    let event = lock_managed_event(tx, ctx, command.event_id, || AnnounceError::NotFound)?;
    check_text(&command)?;
    match event.status {
        EventStatus::Published | EventStatus::Completed => {}
        EventStatus::Draft => return Err(AnnounceError::NotPublished),
        EventStatus::Cancelled => return Err(AnnounceError::CalledOff),
    }
    let since = ctx.now - TimeDelta::days(1);
    if tx.count_audit_of("event", &event.id.to_string(), ANNOUNCED, since)? >= u64::from(command.per_day) {
        return Err(AnnounceError::TooMany(command.per_day));
    }
    // What was said is for those who got it; the log says that something was.
    tx.record_audit(ctx, AuditEntry::new(ANNOUNCED, "event", event.id.uuid()))?;
    let message = Message::Announcement {
        event: event.seats().facts(),
        mailing_id: ctx.new_id(),
        registration_id: RegistrationId::from_uuid(uuid::Uuid::nil()),
        organizer: event.organizer.name,
        subject: command.subject,
        body: command.body,
    };
    let mailing = Mailing::to_all_holders(tx, ctx, event.id, message)?;
    begin_mailing(tx, ctx, mailing)?;
    Ok(())
}

fn check_text(command: &Announce) -> Result<(), Invalid> {
    let mut invalid = Invalid::none();
    check(&mut invalid, "/subject", &command.subject, LONGEST_SUBJECT, &[]);
    check(
        &mut invalid,
        "/body",
        &command.body,
        LONGEST_BODY,
        &['\n', '\r', '\t'],
    );
    invalid.check()
}

fn check(invalid: &mut Invalid, pointer: &str, text: &str, longest: usize, may_have: &[char]) {
    if text.trim().is_empty() {
        invalid.add(pointer, "missing", "this field is needed");
    }
    if text.chars().count() > longest {
        invalid.add(pointer, "length", format!("at most {longest} characters"));
    }
    if text.chars().any(|c| c.is_control() && !may_have.contains(&c)) {
        invalid.add(pointer, "format", "control characters do not belong here");
    }
}
