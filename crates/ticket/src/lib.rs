//! Tickets: the code that finds a seat, the signed text of its QR code, and how a ticket looks.
//!
//! Invariants: a code says nothing of its holder; what a QR code says is signed, and can be verified without asking
//! anybody; whatever people write into names and titles, a ticket is one page and comes about in bounded time.

mod code;
mod plain;
mod presented;
mod print;
mod qr;
mod signature;
mod typeset;

pub use code::{InvalidTicketCode, NoRandomness, TicketCode};
pub use presented::{NotATicket, Presented, read_presented};
pub use print::{PrintError, Sheet, print};
pub use qr::{NoQrCode, QrImage};
pub use signature::{PublicKey, SigningFailed, public_keys, signed_text};
pub use typeset::read_fonts;
