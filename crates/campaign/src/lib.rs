//! Mails that ask for votes: a candidate asks for a campaign, a reviewer approves it, everybody gets one copy.

mod linked_delivery;
mod suppression;
mod unsubscribe;
mod vote_link;

pub use linked_delivery::{DeliveryRepository, LinkedDelivery};
pub use suppression::{SuppressionReason, SuppressionRepository, address_macs, suppress_address};
pub use unsubscribe::{UnsubscribeError, UnsubscribeLink, UnsubscribeTx, read_unsubscribe_link, unsubscribe};
pub use vote_link::{VoteLink, VoteLinkError, VoteLinkTx, confirm_vote_link, read_vote_link};
