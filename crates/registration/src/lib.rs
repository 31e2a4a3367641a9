//! Who holds a seat, and how a seat changes hands.
//!
//! Invariants: at most one live registration or waitlist entry per person and event; nobody passes somebody who waits;
//! a freed seat goes to the next who waits in the same transaction, through [`pass_on_seats`] and nothing else; a
//! check-in locks the registration alone, so whoever ends a registration says as what they saw it.

mod announce;
mod cancel;
mod check_in;
mod decide;
mod end_event;
mod export;
mod import;
mod invites;
mod link_guest;
mod list_participants;
mod mailing;
mod model;
mod pass_on;
mod ports;
mod promote_entry;
mod put_on_waitlist;
mod read_for_calendar;
mod read_registration;
mod read_statistics;
mod read_ticket;
mod register;
mod release_attendee;
mod release_person;
mod remind;
mod repository;
mod resend;
mod still_true;
mod tell_moved;

pub use announce::{Announce, AnnounceError, announce};
pub use cancel::{CancelError, Cancelled, cancel};
pub use check_in::{CheckInError, UndoCheckInError, check_in, list_revoked_tickets, undo_check_in};
pub use decide::{Decision, Refusal, decide};
pub use end_event::end_event;
pub use export::{EXPORTED_AT_ONCE, begin_export, export_page, exported_event};
pub use import::{Import, ImportError, ImportLine, ImportedLine, LineOutcome, import};
pub use link_guest::link_guest;
pub use list_participants::{list_participants, require_participant};
pub use mailing::{Mailing, PEOPLE_AT_ONCE, SeatRecipient, Written, begin_mailing, continue_mailing};
pub use model::{Participant, Registration, RegistrationStatus, RegistrationView, SeatHolder, Standing};
pub use pass_on::pass_on_seats;
pub use ports::{SeatLoss, SeatLost};
pub use promote_entry::{PromoteEntry, PromoteEntryError, Promoted, promote_entry};
pub use put_on_waitlist::{PutOnWaitlist, PutOnWaitlistError, put_on_waitlist};
pub use read_for_calendar::read_for_calendar;
pub use read_registration::{
    ReadRegistrationError, list_all_registrations, list_event_registrations, list_registrations,
    read_registration,
};
pub use read_statistics::{
    EventStatistics, OnDay, ReadStatisticsError, StatisticsRepository, read_event_statistics,
};
pub use read_ticket::{ReadTicketError, Ticket, find_ticket, read_ticket};
pub use register::{Person, Register, RegisterError, Registered, Rules, register};
pub use release_attendee::{lock_events_of, release_attendee};
pub use release_person::release_person;
pub use remind::{list_events_to_remind, remind};
pub use repository::{
    CheckInRepository, MailingRepository, RegistrationFilter, RegistrationRepository, RegistrationTx,
    ReminderRepository,
};
pub use resend::{ResendError, resend};
pub use still_true::still_true;
pub use tell_moved::tell_moved;
