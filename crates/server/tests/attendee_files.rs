//! Lists of attendees: seat holders leave as CSV, people come in as CSV.

mod export;
mod import;
