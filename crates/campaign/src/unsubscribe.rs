//! Whoever got a campaign wants no more of them: by the page that the mail links to, or by one click in their mail program.
//!
//! It asks for nothing but the link, is the same however often it is done, and holds for all campaigns: the address is noted, that
//! of the account too if it is another by now, and the account's preference is off.

use crate::suppression::{SuppressionReason, address_macs, suppress_address};
use crate::{DeliveryRepository, SuppressionRepository};
use kernel::{Ctx, EmailAddress, ServerKeys, StoreError};
use notification::UnsubscribeToken;
use user::UserRepository;

/// Who unsubscribes by a link, as far as whoever has the link is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsubscribeLink {
    /// The address, with most of it left out; none when it is not known any more.
    pub masked_address: Option<String>,
    /// Whether somebody said so. That mail came back from there is no such word.
    pub is_unsubscribed: bool,
}

/// What the operations need of a transaction.
pub trait UnsubscribeTx: DeliveryRepository + SuppressionRepository + UserRepository {}

/// Who would unsubscribe by the link.
pub fn read_unsubscribe_link(
    tx: &mut dyn UnsubscribeTx,
    keys: &ServerKeys,
    link: &UnsubscribeToken,
) -> Result<UnsubscribeLink, StoreError> {
    let email = tx
        .find_delivery(link.delivery)?
        .and_then(|delivery| delivery.email);
    let mut macs = email
        .as_ref()
        .map_or_else(Vec::new, |email| address_macs(keys, email));
    macs.push(link.address_mac.clone());
    Ok(UnsubscribeLink {
        masked_address: email.as_ref().map(masked),
        is_unsubscribed: tx.is_noted(&macs, SuppressionReason::Unsubscribed)?,
    })
}

/// Unsubscribes. The link alone is enough: the copy's row may be gone with its campaign, or its address with the person.
pub fn unsubscribe(
    tx: &mut dyn UnsubscribeTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    link: &UnsubscribeToken,
) -> Result<UnsubscribeLink, StoreError> {
    tx.suppress(&link.address_mac, SuppressionReason::Unsubscribed, ctx.now)?;
    let delivery = tx.find_delivery(link.delivery)?;
    let user_id = delivery.as_ref().and_then(|delivery| delivery.user_id);
    let email = delivery.and_then(|delivery| delivery.email);
    let account = match user_id {
        Some(user_id) => tx.find_user(user_id)?,
        None => None,
    };
    let own = account
        .map(|account| account.email)
        .filter(|email| !email.is_erased());
    for email in email.iter().chain(&own) {
        suppress_address(tx, keys, email, SuppressionReason::Unsubscribed, ctx.now)?;
    }
    tx.refuse_campaign_mail(user_id, email.as_ref(), ctx.now)?;
    Ok(UnsubscribeLink {
        masked_address: email.as_ref().map(masked),
        is_unsubscribed: true,
    })
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
