//! A refresh token is changed for a new one.

use crate::{AuthTx, RefreshToken, Session};
use kernel::{Ctx, StoreError};
use user::{User, UserStatus};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Refresh {
    /// The token that the client has.
    pub token: RefreshToken,
    /// The token that it will have.
    pub next: RefreshToken,
}

/// What became of it. A refusal is no error: the end of a session whose token was used twice is to be committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refreshed {
    /// The next token is good.
    Rotated {
        /// The account.
        user: Box<User>,
        /// Its session.
        session: Session,
    },
    /// The token is unknown, over, or its session is.
    Refused,
    /// The token was used before: somebody else has it too, and the session is ended for both.
    Reused(Session),
}

/// Changes a refresh token for the next.
pub fn refresh(tx: &mut dyn AuthTx, ctx: &Ctx, command: &Refresh) -> Result<Refreshed, StoreError> {
    let token_hash = command.token.hash();
    let Some(row) = tx.find_refresh_token(&token_hash)? else {
        return Ok(Refreshed::Refused);
    };
    let over = row.session_revoked
        || row.session.expires_at <= ctx.now
        || row.expires_at <= ctx.now
        || row.user_status != UserStatus::Active;
    if over {
        return Ok(Refreshed::Refused);
    }
    // The update decides between two who use the token at once.
    if row.used_at.is_some() || !tx.use_refresh_token(&token_hash, ctx.now)? {
        tx.revoke_session(row.session.id, ctx.now, "refresh-token-reuse")?;
        return Ok(Refreshed::Reused(row.session));
    }
    let Some(user) = tx.find_user(row.session.user_id)? else {
        return Ok(Refreshed::Refused);
    };
    tx.insert_refresh_token(
        &command.next.hash(),
        row.session.id,
        ctx.now,
        row.session.expires_at,
    )?;
    tx.touch_session(row.session.id, ctx.now)?;
    Ok(Refreshed::Rotated {
        user: Box::new(user),
        session: row.session,
    })
}
