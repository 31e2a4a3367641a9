//! Whoever got a campaign wants no more of them: by the page that the mail links to, or by one click in their mail program.
//!
//! It asks for nothing but the link, is the same however often it is done, and holds for all campaigns: the address is noted, that
//! of the account too if it is another by now, and the account's preference is off.

use crate::suppression::{SuppressionReason, address_macs, suppress_address};
use crate::{DeliveryRepository, LinkedDelivery, SuppressionRepository};
use kernel::{Ctx, DeliveryId, EmailAddress, ServerKeys, StoreError};
use user::UserRepository;

/// Who unsubscribes by a link, as far as whoever has the link is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsubscribeLink {
    /// The address, with most of it left out; none when it was erased.
    pub masked_address: Option<String>,
    /// Whether it gets no campaigns.
    pub is_unsubscribed: bool,
}

/// Why nobody is unsubscribed.
#[derive(Debug, thiserror::Error)]
pub enum UnsubscribeError {
    /// The copy that the link came with is gone.
    #[error("no such link")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the operations need of a transaction.
pub trait UnsubscribeTx: DeliveryRepository + SuppressionRepository + UserRepository {}

/// Who would unsubscribe by the link.
pub fn read_unsubscribe_link(
    tx: &mut dyn UnsubscribeTx,
    keys: &ServerKeys,
    id: DeliveryId,
) -> Result<UnsubscribeLink, UnsubscribeError> {
    let delivery = tx.find_delivery(id)?.ok_or(UnsubscribeError::NotFound)?;
    let is_unsubscribed = match &delivery.email {
        Some(email) => tx.is_suppressed(&address_macs(keys, email))?.is_some(),
        None => true,
    };
    Ok(link_of(&delivery, is_unsubscribed))
}

/// Unsubscribes.
pub fn unsubscribe(
    tx: &mut dyn UnsubscribeTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    id: DeliveryId,
) -> Result<UnsubscribeLink, UnsubscribeError> {
    let delivery = tx.find_delivery(id)?.ok_or(UnsubscribeError::NotFound)?;
    let account = match delivery.user_id {
        Some(user_id) => tx.find_user(user_id)?,
        None => None,
    };
    let own = account
        .map(|account| account.email)
        .filter(|email| !email.is_erased());
    for email in delivery.email.iter().chain(&own) {
        suppress_address(tx, keys, email, SuppressionReason::Unsubscribed, ctx.now)?;
    }
    tx.refuse_campaign_mail(delivery.user_id, delivery.email.as_ref(), ctx.now)?;
    Ok(link_of(&delivery, true))
}

fn link_of(delivery: &LinkedDelivery, is_unsubscribed: bool) -> UnsubscribeLink {
    UnsubscribeLink {
        masked_address: delivery.email.as_ref().map(masked),
        is_unsubscribed,
    }
}

/// Enough for the person to know which of their addresses it is.
fn masked(email: &EmailAddress) -> String {
    let (local, domain) = email.as_str().rsplit_once('@').unwrap_or_default();
    let first: String = local.chars().take(1).collect();
    format!("{first}…@{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_by_its_first_letter_and_domain() {
        for (address, shown) in [
            ("maria@example.org", "m…@example.org"),
            ("m@example.org", "m…@example.org"),
            ("ärger+x@bücher.example", "ä…@xn--bcher-kva.example"),
        ] {
            assert_eq!(masked(&address.parse().expect("an address")), shown);
        }
    }
}
