//! A person looks at their open sessions and ends them.

use crate::{AuthTx, OpenSession};
use kernel::{Ctx, Denied, Page, PageRequest, Position, SessionId, StoreError, TypedId};

/// Why a session goes on.
#[derive(Debug, thiserror::Error)]
pub enum EndSessionError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// It is not the actor's, over already, or never was.
    #[error("no such session")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why the sessions are not shown or go on.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// Nobody is signed in.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The actor's sessions that are neither ended nor over, the last used first.
pub fn list_sessions(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    page: PageRequest,
) -> Result<Page<OpenSession>, SessionsError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    // A person has a few: one for each sign-in of the last month.
    let all = tx.list_sessions(user_id, ctx.now)?;
    let total = page.include_total.then_some(all.len() as u64);
    let place = |open: &OpenSession| Position {
        value: open.last_seen_at.timestamp_micros(),
        id: open.session.id.uuid(),
    };
    let follows = |open: &OpenSession| {
        let this = place(open);
        page.after
            .is_none_or(|after| (this.value, this.id) < (after.value, after.id))
    };
    let rest = all.into_iter().filter(follows);
    let rows = rest.take(usize::from(page.limit) + 1).collect();
    Ok(Page::from_surplus(rows, page, total, place))
}

/// Ends one of the actor's sessions.
pub fn end_session(tx: &mut dyn AuthTx, ctx: &Ctx, id: SessionId) -> Result<(), EndSessionError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    let is_own = tx
        .find_session(id)?
        .is_some_and(|session| session.user_id == user_id && session.expires_at > ctx.now);
    if is_own && tx.revoke_session(id, ctx.now, "ended-by-owner")? {
        Ok(())
    } else {
        Err(EndSessionError::NotFound)
    }
}

/// Ends all of the actor's sessions, the one that this is asked in too.
pub fn end_all_sessions(tx: &mut dyn AuthTx, ctx: &Ctx) -> Result<(), SessionsError> {
    let user_id = ctx.actor.signed_in()?.user_id;
    tx.revoke_sessions_of(user_id, None, ctx.now, "ended-by-owner")?;
    Ok(())
}
