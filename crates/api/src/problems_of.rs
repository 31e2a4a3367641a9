//! From the errors of the domains to problems, one file a domain. Every match names every variant: a new one does not
//! compile before somebody has decided what a client is told.

mod admin;
mod auth;
mod campaign;
mod campaign_links;
mod event;
mod registration;
mod user;
mod voting;
mod waitlist;
