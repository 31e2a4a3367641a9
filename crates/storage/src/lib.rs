//! The only crate that knows SQL: the pooled [`Store`], the transaction [`Tx`] that every domain's repository trait
//! meets on, the schema, and one file of rows and queries per domain.
//!
//! Invariants: every query is written once for both databases inside [`on!`](crate::connection::on); time and ids
//! come from the caller; a write transaction begins IMMEDIATE on SQLite and commits under the guard.

mod columns;
pub mod connection;
pub mod migrations;
mod schema;
pub mod seeds;
mod step;

pub use connection::{DatabaseUrl, DbConn, InvalidDatabaseUrl, SqliteSync};
