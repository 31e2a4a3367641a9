//! A session ends.

use crate::{AuthTx, RefreshToken};
use kernel::{Ctx, Denied, SessionId, StoreError};

/// Ends the session that the actor came with.
pub fn log_out(tx: &mut dyn AuthTx, ctx: &Ctx) -> Result<SessionId, LogOutError> {
    let session_id = ctx.actor.signed_in()?.session_id;
    tx.revoke_session(session_id, ctx.now, "logout")?;
    Ok(session_id)
}

/// Ends the session of a refresh token, if it is one; gives the session.
pub fn log_out_by_refresh_token(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    token: &RefreshToken,
) -> Result<Option<SessionId>, StoreError> {
    let Some(row) = tx.find_refresh_token(&token.hash())? else {
        return Ok(None);
    };
    tx.revoke_session(row.session.id, ctx.now, "logout")?;
    Ok(Some(row.session.id))
}

/// Why the session goes on.
#[derive(Debug, thiserror::Error)]
pub enum LogOutError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
