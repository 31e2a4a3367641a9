//! The binary's library and the binary itself, from outside.

mod bad_input;
mod bad_values;
mod commands;
mod configuration;
mod documents;
mod erasure;
mod event_list;
mod event_places;
mod events;
mod fuzz;
mod idempotency;
mod limits;
mod matrix;
mod operations;
mod passwords;
mod privacy;
mod registrations;
mod security_questions;
mod sign_in;
mod story;
mod support;
mod tour;
mod waitlist;
