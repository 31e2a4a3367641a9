//! Mails and texts on their way out, to servers that are real but for their manners.

mod eml;
mod mail;
mod parts;
mod sms;
mod smtp_refusals;
mod smtp_security;
