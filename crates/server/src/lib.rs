//! The binary's own library: configuration, wiring and commands.
//!
//! Invariant: the process environment is read in one place, [`config::Config::of_this_process`].

pub mod background;
pub mod campaigns;
pub mod cli;
pub mod commands;
pub mod config;
pub mod housekeeping;
pub mod instance;
mod logging;
pub mod mail_files;
pub mod mailings;
mod metrics;
pub mod reminders;
mod rounds;
pub mod senders;
pub mod worker;
