//! The test system's own tests.

mod cluster;
mod database;
mod http;
mod people;
mod race;
