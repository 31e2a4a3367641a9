//! The binary's library and the binary itself, from outside.

mod bad_input;
mod bad_values;
mod commands;
mod configuration;
mod documents;
mod event_list;
mod event_places;
mod events;
mod fuzz;
mod google;
mod idempotency;
mod matrix;
mod operations;
mod registrations;
mod sign_in;
mod story;
mod support;
mod token_attacks;
mod tour;
mod waitlist;
