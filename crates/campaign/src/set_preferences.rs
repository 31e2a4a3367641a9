//! A person says what they want to be told, campaigns among it.

use crate::{CampaignTx, SuppressionReason, address_macs};
use kernel::{Ctx, Denied, ServerKeys};
use user::{Preferences, SetPreferencesError};

/// Puts these in the place of the actor's preferences. Who wants campaigns takes back what they said by the link in one, as far
/// as it was said of the address that is proven to be theirs; that an address takes no mail is nothing that anybody said.
/// Without a word on campaigns it stays as it was.
pub fn set_preferences(
    tx: &mut dyn CampaignTx,
    ctx: &Ctx,
    keys: &ServerKeys,
    preferences: Preferences,
    campaign_mail: Option<bool>,
    can_send_texts: bool,
) -> Result<Preferences, SetPreferencesError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let user = tx.lock_user(user_id)?.ok_or(Denied::Unauthenticated)?;
    let preferences = Preferences {
        campaign_mail: campaign_mail.unwrap_or(user.preferences.campaign_mail),
        ..preferences
    };
    let set = user::set_preferences(tx, ctx, preferences, can_send_texts)?;
    if campaign_mail == Some(true) && user.email_verified_at.is_some() {
        let macs = address_macs(keys, &user.email);
        tx.lift(&macs, SuppressionReason::Unsubscribed)?;
    }
    Ok(set)
}
