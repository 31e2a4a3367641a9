//! What the tests stand on: a database of each test's own, a clock to turn, clients whose every answer is held
//! against the OpenAPI document, and many callers at once.
//!
//! Invariants: no two tests share a database; no test waits for time; what this crate starts or creates goes away
//! with the process, also when the process is killed. It is used from `tests/` and from the developer commands only,
//! never inside a `#[cfg(test)]` module. Without the features there is only [`cluster`].

#![cfg_attr(
    feature = "smtp",
    expect(
        clippy::missing_panics_doc,
        reason = "a test fails by a panic: nearly everything here may"
    )
)]

pub mod cluster;
pub mod environment;
mod guardian;

#[cfg(feature = "server")]
pub mod both;
#[cfg(feature = "server")]
pub mod browser;
#[cfg(feature = "server")]
pub mod clock;
#[cfg(feature = "server")]
pub mod database;
#[cfg(feature = "server")]
pub mod desk;
#[cfg(feature = "server")]
pub mod harness;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod icalendar;
#[cfg(feature = "server")]
pub mod ids;
#[cfg(feature = "server")]
pub mod issuer;
#[cfg(feature = "server")]
mod local_http;
#[cfg(feature = "server")]
mod migrate;
#[cfg(feature = "server")]
pub mod openapi;
#[cfg(feature = "server")]
pub mod proxy;
#[cfg(feature = "server")]
pub mod race;
#[cfg(feature = "server")]
pub mod raw;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod sms_gateway;
#[cfg(feature = "smtp")]
pub mod smtp;

#[cfg(feature = "server")]
pub use browser::Browser;
#[cfg(feature = "server")]
pub use clock::TestClock;
#[cfg(feature = "server")]
pub use database::{Cell, Kind, TestDatabase, Way};
#[cfg(feature = "server")]
pub use desk::Desk;
#[cfg(feature = "server")]
pub use harness::{Harness, HarnessOptions, Person};
#[cfg(feature = "server")]
pub use http::{Answer, Client};
#[cfg(feature = "server")]
pub use icalendar::Icalendar;
#[cfg(feature = "server")]
pub use issuer::Issuer;
#[cfg(feature = "server")]
pub use proxy::Proxy;
#[cfg(feature = "server")]
pub use race::all_at_once;
#[cfg(feature = "server")]
pub use sms_gateway::SmsGateway;
#[cfg(feature = "smtp")]
pub use smtp::SmtpServer;
