//! The storage crate on real databases: each test gets one of its own, once in SQLite and once in PostgreSQL.

mod batch;
mod contract;
mod database;
mod migrations;
mod queue;
mod rows;
mod searches;
mod seeds;
mod store;
mod writer;
