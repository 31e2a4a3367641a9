//! What every crate of Podium shares: typed ids, the clock, the actor and the permission catalogue, values
//! that cannot hold nonsense, paging, and the ports that all domains use.
//!
//! Invariants: nothing here knows a database, a transport or a domain; time and ids come from [`Ctx`] alone.

mod actor;
mod audit;
mod change;
mod clock;
mod context;
mod email;
mod error;
mod id;
mod idempotency;
mod limits;
mod money;
mod page;
mod permission;
mod phone;
mod server_keys;
mod text;
mod time_zone;
mod validation;
mod words;

pub use actor::{Actor, Denied, SignedIn};
pub use audit::{AuditEntry, AuditLog};
pub use change::Change;
pub use clock::{Clock, SystemClock};
pub use context::{Ctx, RequestId};
pub use email::{EmailAddress, InvalidEmail};
pub use error::StoreError;
pub use id::{
    AttendeeId, AuditId, CampaignId, CandidateId, DeliveryId, EventId, IdSource, MailingId, OneTimeId,
    OutboxId, RegistrationId, SessionId, TimeOrderedIds, TypedId, UserId, WaitlistEntryId, WaitlistLogId,
};
pub use idempotency::{IdempotencyKey, IdempotencyScope, IdempotencyStore, Remembered, StoredAnswer};
pub use limits::{Bucket, Limits, Lockout, Quota, RetryAfter, Soon, Try};
pub use money::{InvalidMoney, Money};
pub use page::{Cursor, InvalidCursor, Page, PageRequest, Position};
pub use permission::{Permission, PermissionSet, UnknownPermission};
pub use phone::{InvalidPhone, PhoneNumber};
pub use server_keys::{KeyPurpose, SealError, ServerKeys};
pub use text::{address_part, address_pattern, fold, like_pattern, pattern_of};
pub use time_zone::{InvalidTimeZone, TimeZone, ZoneOffset};
pub use validation::{FieldError, Invalid};
pub use words::{WordQuery, search_words};

/// An instant in UTC, cut to microseconds where it is made (what both databases keep).
pub type Instant = chrono::DateTime<chrono::Utc>;
