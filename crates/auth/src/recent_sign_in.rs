//! A sign-in that is young shows who somebody is as the password does.

use crate::AuthTx;
use chrono::TimeDelta;
use kernel::{Ctx, SignedIn, StoreError};

/// How long after a sign-in nobody is asked for the password again.
const RECENT: TimeDelta = TimeDelta::minutes(10);

/// Whether the session that the request came with began a short while ago, and still stands.
pub(crate) fn signed_in_recently(
    tx: &mut dyn AuthTx,
    ctx: &Ctx,
    signed_in: &SignedIn,
) -> Result<bool, StoreError> {
    // What the request was let in by may be some seconds old: a session that was ended since shows nothing.
    let access = tx.find_access(signed_in.session_id)?;
    if !access.is_some_and(|access| !access.revoked && access.expires_at > ctx.now) {
        return Ok(false);
    }
    let session = tx.find_session(signed_in.session_id)?;
    Ok(session.is_some_and(|session| ctx.now - session.created_at < RECENT))
}
