//! The test system's own tests.

mod browser;
mod cluster;
mod database;
mod http;
mod people;
mod race;
mod smtp;
