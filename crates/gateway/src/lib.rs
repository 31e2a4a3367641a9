//! The outside world behind the ports of the domains.
//!
//! Invariants: nothing here is asked while a transaction is open; no redirect is followed; every question has a time
//! limit and every answer a size limit; errors are for the log and hold no secret.

mod google;
mod http;

pub use google::{Google, GoogleOptions, UnusableOptions};
pub use http::is_safe_issuer;
