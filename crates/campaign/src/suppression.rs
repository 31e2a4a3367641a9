//! Addresses that get no campaigns. What is kept is a code of the address under the server's key, so that a row says whose it is to
//! nobody who has the rows alone, and outlives the account.

use kernel::{Ctx, EmailAddress, Instant, KeyPurpose, ServerKeys, StoreError, UserId};

/// Why an address gets no campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuppressionReason {
    /// Whoever reads it said so.
    Unsubscribed,
    /// Its mail server takes no mail for it.
    Bounced,
}

impl SuppressionReason {
    /// The name in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unsubscribed => "unsubscribed",
            Self::Bounced => "bounced",
        }
    }

    /// The reason of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Unsubscribed, Self::Bounced]
            .into_iter()
            .find(|reason| reason.as_str() == name)
    }
}

/// Suppressed addresses, by their codes: see [`address_macs`].
pub trait SuppressionRepository {
    /// Notes an address, for each reason by itself.
    fn suppress(
        &mut self,
        address_mac: &str,
        reason: SuppressionReason,
        since: Instant,
    ) -> Result<(), StoreError>;
    /// Whether an address is noted for this reason. `address_macs` are the codes of one address.
    fn is_noted(&mut self, address_macs: &[String], reason: SuppressionReason) -> Result<bool, StoreError>;
    /// Forgets that an address was noted for this reason.
    fn lift(&mut self, address_macs: &[String], reason: SuppressionReason) -> Result<(), StoreError>;
    /// Notes that an account wants no campaigns, and likewise whoever has the address for theirs.
    fn refuse_campaign_mail(
        &mut self,
        user_id: Option<UserId>,
        email: Option<&EmailAddress>,
        at: Instant,
    ) -> Result<(), StoreError>;
}

/// The codes of an address: under the present key first, and then under the earlier ones, which may have been in force when it was
/// noted.
pub fn address_macs(keys: &ServerKeys, email: &EmailAddress) -> Vec<String> {
    keys.macs(KeyPurpose::SuppressedAddress, &[email.key()]).collect()
}

/// Notes that an address gets no campaigns from now on.
pub fn suppress_address(
    tx: &mut dyn SuppressionRepository,
    keys: &ServerKeys,
    email: &EmailAddress,
    reason: SuppressionReason,
    since: Instant,
) -> Result<(), StoreError> {
    // Under an earlier key it may be noted already; a second row says the same.
    tx.suppress(
        &keys.mac(KeyPurpose::SuppressedAddress, &[email.key()]),
        reason,
        since,
    )
}

/// An address was proven to be a person's. So mail arrives there, whatever a server said of it; and if it takes the place of one
/// that its reader unsubscribed, it is unsubscribed too: who said no did so for themselves and not for an address.
pub fn address_proven(
    tx: &mut dyn SuppressionRepository,
    ctx: &Ctx,
    keys: &ServerKeys,
    before: &EmailAddress,
    email: &EmailAddress,
) -> Result<(), StoreError> {
    tx.lift(&address_macs(keys, email), SuppressionReason::Bounced)?;
    if before.key() == email.key() {
        return Ok(());
    }
    if tx.is_noted(&address_macs(keys, before), SuppressionReason::Unsubscribed)? {
        suppress_address(tx, keys, email, SuppressionReason::Unsubscribed, ctx.now)?;
    }
    Ok(())
}
