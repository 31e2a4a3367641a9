//! A person says what they want to be told, and how.

use crate::{Preferences, UserRepository};
use kernel::{Ctx, Denied, StoreError};

/// Why the preferences stay as they were.
#[derive(Debug, thiserror::Error)]
pub enum SetPreferencesError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// This server sends no text messages.
    #[error("no gateway for text messages is configured")]
    TextsNotConfigured,
    /// There is no phone, or it was not proven to be the person's.
    #[error("the phone is not proven")]
    PhoneNotVerified,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Puts these in the place of the actor's preferences. Text messages are for who has proven a phone, and for a server
/// that can send them.
pub fn set_preferences(
    tx: &mut dyn UserRepository,
    ctx: &Ctx,
    preferences: Preferences,
    can_send_texts: bool,
) -> Result<Preferences, SetPreferencesError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    // Held, so that the phone which they count on stays.
    let user = tx.lock_user(user_id)?.ok_or(Denied::Unauthenticated)?;
    if preferences.text_messages {
        if !can_send_texts {
            return Err(SetPreferencesError::TextsNotConfigured);
        }
        if user.proven_phone().is_none() {
            return Err(SetPreferencesError::PhoneNotVerified);
        }
    }
    if preferences != user.preferences {
        tx.set_preferences(user_id, preferences, ctx.now)?;
    }
    Ok(preferences)
}
