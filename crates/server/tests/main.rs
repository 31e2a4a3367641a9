//! The binary's library and the binary itself, from outside.

mod commands;
mod configuration;
mod documents;
mod story;
mod tour;
