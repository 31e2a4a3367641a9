//! Events: what is held, where and when, and with how many seats.
//!
//! Invariants: published and completed events occupy their place and local date; `0 <= seats_taken <= capacity`, and
//! `seats_taken` changes only together with the row that accounts for it; the event's row is locked before anything
//! else of it is touched.

mod access;
mod cancel_event;
mod complete_events;
mod copy_event;
mod create_event;
mod delete_event;
mod details;
mod edit_event;
mod model;
mod ports;
mod publish_event;
mod read_event;
mod repository;
mod seats;
mod set_capacity;
mod staff;
mod unpublish_event;

pub use access::{
    EventRef, ManageEventError, lock_managed_event, manages, may_manage, may_scan, require_manager,
    require_scanner, scans,
};
pub use cancel_event::{CancelEventError, cancel_event};
pub use complete_events::complete_ended_events;
pub use copy_event::{CopyEvent, CopyEventError, copy_event, require_copier};
pub use create_event::{CreateEvent, CreateEventError, create_event};
pub use delete_event::{DeleteEventError, delete_event};
pub use details::{EventDetails, EventFields, FeeFields};
pub use edit_event::{EditEventError, EventPatch, edit_event};
pub use model::{Event, EventFormat, EventStatus, Organizer, Speaker, StaffRole, StreamStatus};
pub use ports::{Ending, EventEnded, EventMoved, EventTx, SeatsFreed};
pub use publish_event::{PublishEvent, PublishEventError, publish_event};
pub use read_event::{EventNotFound, ReadEventError, is_onlooker, list_events, read_event};
pub use repository::{EventFilter, EventRepository, EventSort, SeatChange, Visibility};
pub use seats::{EventSeats, RegistrationState};
pub use set_capacity::set_capacity;
pub use staff::{
    Helper, PutStaff, StaffError, StaffMember, StaffPut, StaffRepository, StaffTx, list_staff,
    put_staff_member, read_staff_member, remove_staff_member,
};
pub use unpublish_event::{UnpublishEventError, unpublish_event};
