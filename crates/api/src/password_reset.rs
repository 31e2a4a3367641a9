//! Setting a new password by what was mailed, for the JSON route and for the page alike.

use crate::level_time::level;
use crate::problem::Problem;
use crate::sign_in_limits::AccountKey;
use crate::state::AppState;
use actix_web::HttpRequest;
use auth::{NewPassword, OneTimeProof};
use kernel::Ctx;
use std::sync::Arc;

/// Sets the password if the proof is good; gives whether it was. The hashing lies between two transactions: nobody makes
/// the server hash without a proof. Who reads the account's mail is no longer held up by those who guessed at it.
pub async fn reset(
    state: &AppState,
    request: &HttpRequest,
    ctx: &Ctx,
    proof: OneTimeProof,
    password: NewPassword,
) -> Result<bool, Problem> {
    let (first, keys) = (ctx.clone(), Arc::clone(&state.keys));
    let proving = state
        .store
        .write(move |tx| auth::prove_reset(tx, &first, &keys, &proof));
    let proven = level(proving).await?;
    let Some(proven) = proven else {
        return Ok(false);
    };
    let hash = state.passwords.hash(password).await?;
    let second = ctx.clone();
    let account = state
        .store
        .write(move |tx| auth::reset_password(tx, &second, proven, &hash))
        .await?;
    let Some(email) = account else {
        return Ok(false);
    };
    state
        .limits
        .account_recovered(request, AccountKey::of(&email))
        .await;
    Ok(true)
}
