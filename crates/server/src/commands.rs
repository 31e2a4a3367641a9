//! The commands, one a file. Each prints to the writer it is given and answers with the exit code.

pub mod doctor;
pub mod migrate;
pub mod seed;
