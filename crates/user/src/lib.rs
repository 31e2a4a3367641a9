//! People: users, who have an account, and attendees, who can hold a seat with or without one.
//!
//! Invariants: an e-mail address belongs to at most one user and one attendee, by its folded key; a linked attendee's
//! name and address are the user's.

mod access;
mod attendee_of;
mod create_attendee;
mod edit_attendee;
mod model;
mod ports;
mod read_attendee;
mod remove_attendee;
mod repository;
mod set_preferences;
mod update_profile;

pub use access::{EventRunner, require_writing, sees_attendee};
pub use attendee_of::{AttendeeError, attendee_of_guest, attendee_of_user, find_attendee_of};
pub use create_attendee::{CreateAttendee, CreateAttendeeError, create_attendee};
pub use edit_attendee::{EditAttendee, EditAttendeeError, EditedAttendee, edit_attendee, require_editor};
pub use model::{Account, Attendee, NewUser, PersonName, Preferences, User, UserStatus};
pub use ports::{AttendeeRemoved, EmailVerified, PersonErased, PersonRenamed};
pub use read_attendee::{ReadAttendeeError, list_attendees, read_attendee, require_reading};
pub use remove_attendee::{RemoveAttendeeError, remove_attendee};
pub use repository::{AttendeeFilter, AttendeeRepository, AttendeeTx, UserRepository};
pub use set_preferences::{SetPreferencesError, set_preferences};
pub use update_profile::{ProfileChange, ProfileTx, UpdateProfileError, changed_profile, update_profile};
