//! The only crate that knows SQL: the pooled [`Store`], the transaction [`Tx`] that every domain's repository trait
//! meets on, the schema, and one file of rows and queries per domain.
//!
//! Invariants: every query is written once for both databases, inside `on!`; time and ids come from the caller; a write
//! transaction begins IMMEDIATE on SQLite and commits under the guard; who reacts to whom stands in `reactions.rs` and
//! nowhere else.

mod attendee_list;
mod attendee_words;
mod attendees;
mod audit;
mod auth;
mod batch;
mod campaign_links;
mod campaigns;
mod columns;
pub mod connection;
mod desk;
mod erasure;
mod events;
mod events_of_runner;
mod explain;
mod export;
mod external_identities;
mod failure;
mod idempotency;
pub mod invariants;
mod jobs;
mod mailings;
mod messages;
pub mod migrations;
mod one_time;
mod outbox;
mod own_ground;
mod participants;
mod people;
mod phone_codes;
mod prepared;
mod queue;
mod reactions;
mod registration_search;
mod registrations;
mod reminders;
mod roles;
mod schema;
mod search_limits;
mod security_answers;
pub mod seeds;
mod staff;
mod statistics;
mod step;
mod store;
mod suppressions;
mod texts;
mod transaction;
mod user_list;
mod voting;
mod waiting;
mod waitlist;
mod word_counts;
mod writer;

pub use batch::Together;
pub use connection::{Connector, DatabaseUrl, DbConn, InvalidDatabaseUrl, SqliteSync};
#[doc(hidden)]
pub use desk::{DeskOptions, Stage};
pub use messages::{MessageDetails, MessageSummary};
pub use outbox::{OutboxEntry, QueuedMessage};
pub use search_limits::SearchLimits;
pub use store::{CommitObserver, Store, StoreOptions};
pub use transaction::{SeatGuard, Tx};
