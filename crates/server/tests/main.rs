//! The binary's library and the binary itself, from outside.

mod bad_input;
mod commands;
mod configuration;
mod event_list;
mod events;
mod matrix;
mod registrations;
mod story;
mod support;
mod waitlist;
