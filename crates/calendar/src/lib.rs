//! Events as files for calendars (RFC 5545).
//!
//! Invariants: whatever the file is for, an event has one UID, so that a calendar keeps one entry of it; what is told later
//! has a greater SEQUENCE, so that it wins; times are local ones with their zone, defined in the file, so that a calendar
//! shows them right whatever it knows of zones; nothing that a person wrote becomes a line of its own.
//!
//! The lines are written here and not by a library: those that there are put a DTSTAMP and a random UID into the parts of a
//! zone, and fold a byte too late.

mod file;
mod lines;
mod zones;

pub use file::{Calendar, Entry, Feed, Method, Status, host_of};
