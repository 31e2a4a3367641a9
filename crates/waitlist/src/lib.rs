//! The queue of an event: ranks, entries and their log. It moves people within the queue and out of it; who gets a seat
//! is `registration`'s to decide.
//!
//! Invariants: the order is that of the ranks, taken under the event's lock; everything that happens to an entry leaves a
//! line in its log, and the lines of an event, in the order of their numbers, explain the order by themselves;
//! `waitlist_length` changes together with the entries that it counts.

mod join;
mod leave;
mod model;
mod move_entry;
mod rank;
mod read_waitlist;
mod remove_entry;
mod repository;

pub use join::{JoinAt, join, join_at, tell_position};
pub use leave::{LeaveError, leave};
pub use model::{EntryLogLine, EntryStatus, LogAction, WaitingPerson, WaitlistEntry, WaitlistPlace};
pub use move_entry::{MoveEntry, MoveEntryError, check_reason, move_entry};
pub use rank::{RANK_STEP, Room, make_room, rank_between};
pub use read_waitlist::{ReadWaitlistError, WaitlistStanding, list_own_places, list_waitlist, own_standing};
pub use remove_entry::{RemoveEntryError, remove_entry};
pub use repository::{WaitlistRepository, WaitlistTx};
