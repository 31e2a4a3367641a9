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
mod idempotency;
mod limits;
mod mail;
mod matrix;
mod operations;
mod pages;
mod passwords;
mod recovery_limits;
mod registrations;
mod secrets_in_logs;
mod security_questions;
mod sign_in;
mod story;
mod support;
mod tour;
mod waitlist;
