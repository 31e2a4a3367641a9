//! The binary's library and the binary itself, from outside.

mod bad_input;
mod bad_values;
mod commands;
mod configuration;
mod documents;
mod email;
mod email_change;
mod event_list;
mod event_places;
mod events;
mod fuzz;
mod guests;
mod idempotency;
mod matrix;
mod operations;
mod registrations;
mod sessions;
mod sign_in;
mod story;
mod support;
mod tour;
mod waitlist;
