//! A mail server takes nothing for an address, for good.

use crate::{SuppressionReason, SuppressionRepository, suppress_address};
use kernel::{EmailAddress, Instant, ServerKeys, StoreError};

/// Notes that an address takes no mail, whatever mail it refused: no campaign goes there from now on.
pub fn note_bounce(
    tx: &mut dyn SuppressionRepository,
    now: Instant,
    keys: &ServerKeys,
    address: &EmailAddress,
) -> Result<(), StoreError> {
    suppress_address(tx, keys, address, SuppressionReason::Bounced, now)
}
