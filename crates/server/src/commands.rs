//! The commands, one a file. Each prints to the writer it is given and answers with the exit code.

pub mod admin;
pub mod doctor;
pub mod mail;
pub mod migrate;
pub mod openapi;
pub mod seed;
pub mod serve;
pub mod worker;
