//! The binary's own library: configuration and commands.
//!
//! Invariant: the process environment is read in one place, [`config::Config::of_this_process`].

pub mod cli;
pub mod commands;
pub mod config;
