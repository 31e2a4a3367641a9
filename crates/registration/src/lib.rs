//! Who holds a seat, and how a seat changes hands.
//!
//! Invariants: at most one live registration or waitlist entry per person and event; nobody passes somebody who waits;
//! a freed seat goes to the next who waits in the same transaction, through [`pass_on_seats`] and nothing else.

mod cancel;
mod decide;
mod end_event;
mod link_guest;
mod list_participants;
mod model;
mod pass_on;
mod read_registration;
mod register;
mod release_attendee;
mod release_person;
mod remind;
mod repository;
mod still_true;
mod tell_moved;

pub use cancel::{CancelError, Cancelled, cancel};
pub use decide::{Decision, Refusal, decide};
pub use end_event::end_event;
pub use link_guest::link_guest;
pub use list_participants::{list_participants, require_participant};
pub use model::{Participant, Registration, RegistrationStatus, RegistrationView, SeatHolder, Standing};
pub use pass_on::pass_on_seats;
pub use read_registration::{
    ReadRegistrationError, list_event_registrations, list_registrations, read_registration,
};
pub use register::{Person, Register, RegisterError, Registered, Rules, register};
pub use release_attendee::{lock_events_of, release_attendee};
pub use release_person::release_person;
pub use remind::{list_events_to_remind, remind};
pub use repository::{
    PersonToRemind, RegistrationFilter, RegistrationRepository, RegistrationTx, ReminderRepository,
};
pub use still_true::still_true;
pub use tell_moved::tell_moved;
