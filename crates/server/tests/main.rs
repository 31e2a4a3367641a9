//! The binary's library and the binary itself, from outside.

mod audit_log;
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
mod matrix;
mod operations;
mod registrations;
mod roles;
mod sign_in;
mod story;
mod support;
mod tour;
mod user_admin;
mod waitlist;
