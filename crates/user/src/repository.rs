//! Where users and attendees are kept.

use crate::{Account, Attendee, AttendeeRemoved, EventRunner, NewUser, Preferences, User};
use kernel::{AttendeeId, AuditLog, EmailAddress, Instant, Page, PageRequest, StoreError, UserId, WordQuery};

/// Users.
pub trait UserRepository {
    /// The user with that id; none that was erased, here and everywhere.
    fn find_user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// The same, and nobody else locks that user until the end of the transaction: what is counted after this stays so.
    fn lock_user(&mut self, id: UserId) -> Result<Option<User>, StoreError>;
    /// The user with that folded address.
    fn find_user_by_email(&mut self, email_key: &str) -> Result<Option<User>, StoreError>;
    /// Makes a user with its roles. [`StoreError::Duplicate`] if the address is taken.
    fn insert_user(&mut self, new: &NewUser) -> Result<(), StoreError>;
    /// Writes the profile (not address, status, roles), also to the linked attendee's name; with the phone whether it is
    /// proven and text messages are wanted, of the preferences that alone.
    fn update_profile(&mut self, user: &User) -> Result<(), StoreError>;
    /// Writes what the person wants to be told, and how.
    fn set_preferences(
        &mut self,
        id: UserId,
        preferences: Preferences,
        at: Instant,
    ) -> Result<(), StoreError>;
    /// Notes that the phone of the account was proven to be the person's.
    fn set_phone_verified(&mut self, id: UserId, at: Instant) -> Result<(), StoreError>;
    /// Notes that the address was proven to be the person's. A guest who was noted with it is not touched: see
    /// [`crate::EmailVerified`].
    fn set_email_verified(&mut self, id: UserId, at: Instant) -> Result<(), StoreError>;
    /// Gives the account another address, which counts as proven, also to the linked attendee. If somebody has taken it
    /// meanwhile, [`StoreError::Contention`]: tried again, they are found.
    fn set_email(&mut self, id: UserId, email: &EmailAddress, at: Instant) -> Result<(), StoreError>;
    /// Which of these role names exist.
    fn existing_roles(&mut self, names: &[String]) -> Result<Vec<String>, StoreError>;
}

/// Attendees.
pub trait AttendeeRepository {
    /// The attendee with that id.
    fn find_attendee(&mut self, id: AttendeeId) -> Result<Option<Attendee>, StoreError>;
    /// The attendee with that folded address.
    fn find_attendee_by_email(&mut self, email_key: &str) -> Result<Option<Attendee>, StoreError>;
    /// The attendee that stands for an account.
    fn find_attendee_of_user(&mut self, user_id: UserId) -> Result<Option<Attendee>, StoreError>;
    /// Makes an attendee. If the address has got one meanwhile, [`StoreError::Contention`]: tried again, it is found.
    fn insert_attendee(&mut self, attendee: &Attendee) -> Result<(), StoreError>;
    /// Gives an attendee the account that it belongs to, and its name. If the account has got another one meanwhile or
    /// was changed, [`StoreError::Contention`].
    fn link_attendee(&mut self, id: AttendeeId, account: &Account) -> Result<(), StoreError>;
    /// Removes an attendee. If something refers to it again meanwhile, [`StoreError::Contention`].
    fn delete_attendee(&mut self, id: AttendeeId) -> Result<(), StoreError>;
    /// The attendee, kept as it is until the end of the transaction: nobody gives it a seat or a place in a queue meanwhile, and no
    /// account gets it. Events are locked before this, if at all.
    fn hold_attendee(&mut self, id: AttendeeId) -> Result<Option<Attendee>, StoreError>;
    /// Keeps the attendee's address from changing until the end of the transaction; [`StoreError::Contention`] if it did since it
    /// was read: tried again, whoever has the address then is found.
    fn hold_address_as_read(&mut self, attendee: &Attendee) -> Result<(), StoreError>;
    /// Writes name, address and phone of an attendee without account. If somebody has taken the address meanwhile,
    /// [`StoreError::Contention`].
    fn update_attendee(&mut self, attendee: &Attendee, at: Instant) -> Result<(), StoreError>;
    /// Whether the attendee has or had a registration or a place in a waitlist at an event that this account runs.
    fn attendee_is_at_events_of(&mut self, id: AttendeeId, runner: EventRunner) -> Result<bool, StoreError>;
    /// Whether the attendee has or had one at an event that others run.
    fn attendee_is_at_events_of_others(
        &mut self,
        id: AttendeeId,
        runner: EventRunner,
    ) -> Result<bool, StoreError>;
    /// Whether the attendee has or had one at any event.
    fn attendee_takes_part(&mut self, id: AttendeeId) -> Result<bool, StoreError>;
    /// A page of attendees, the newest first: those that this account noted or that are or were at events that it runs; without
    /// one, all. None that was erased.
    fn list_attendees(
        &mut self,
        runner: Option<EventRunner>,
        filter: &AttendeeFilter,
        page: PageRequest,
    ) -> Result<Page<Attendee>, StoreError>;
}

/// Which attendees are wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AttendeeFilter {
    /// With these words in name or address.
    pub words: Option<WordQuery>,
    /// With this in the name, in any case.
    pub name: Option<String>,
    /// With this in the address, in any case.
    pub email: Option<String>,
}

/// What changing attendees needs of a transaction.
pub trait AttendeeTx: AttendeeRepository + UserRepository + AttendeeRemoved + AuditLog {}
