//! What each repository promises, on both databases: what is written is read back, what must be unique is, lists have a
//! total order, counts keep their bounds.

mod events;
mod people;
mod records;
mod taking_part;
