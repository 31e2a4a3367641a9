//! People: users, who have an account, and attendees, who can hold a seat with or without one.
//!
//! Invariants: an e-mail address belongs to at most one user and one attendee, by its folded key; a linked attendee's
//! name and address are the user's.

mod attendee_of;
mod model;
mod ports;
mod remove_attendee;
mod repository;
mod set_preferences;
mod update_profile;

pub use attendee_of::{AttendeeError, attendee_of_guest, attendee_of_user, find_attendee_of};
pub use model::{Account, Attendee, NewUser, PersonName, Preferences, User, UserStatus};
pub use ports::{AttendeeRemoved, EmailVerified, PersonErased};
pub use remove_attendee::{RemoveAttendeeError, RemoveAttendeeTx, remove_attendee};
pub use repository::{AttendeeRepository, UserRepository};
pub use set_preferences::{SetPreferencesError, set_preferences};
pub use update_profile::{ProfileChange, UpdateProfileError, changed_profile, update_profile};
