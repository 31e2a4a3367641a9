//! The outside world behind the ports of the domains.
//!
//! Invariants: nothing here is asked while a transaction is open; no redirect is followed; every question has a time
//! limit and every answer a size limit; errors are for the log and hold no secret.

mod compose;
mod eml;
mod google;
mod http;
mod sms;
mod smtp;
mod smtp_url;
mod texts;

pub use compose::{InvalidSender, check_sender};
pub use eml::EmlFolder;
pub use google::{Google, GoogleOptions, UnusableOptions};
pub use http::{is_safe_url, names_a_user};
pub use sms::{SmsGateway, SmsOptions, UnusableGateway};
pub use smtp::{SmtpMailer, SmtpOptions, UnusableMailServer};
pub use smtp_url::{InvalidSmtpUrl, check_smtp_url};
