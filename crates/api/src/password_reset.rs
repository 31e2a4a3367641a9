//! Setting a new password by what was mailed, for the JSON route and for the page alike.

use crate::level_time::level;
use crate::one_time_proof::try_proof;
use crate::problem::Problem;
use crate::sign_in_limits::AccountKey;
use crate::state::AppState;
use actix_web::HttpRequest;
use auth::{NewPassword, OneTimeProof};
use kernel::{Ctx, EmailAddress};
use std::sync::Arc;

/// Sets the password if the proof is good; gives whether it was. Who reads the account's mail is no longer held up by those
/// who guessed at it.
pub async fn reset(
    state: &AppState,
    request: &HttpRequest,
    ctx: &Ctx,
    proof: OneTimeProof,
    password: NewPassword,
) -> Result<bool, Problem> {
    let shown = proof.clone();
    let work = async {
        let owner = set_password(state, ctx, proof, password).await?;
        if let Some(owner) = &owner {
            let account = AccountKey::of(owner);
            state.limits.account_recovered(request, account).await;
        }
        Ok(owner.is_some())
    };
    try_proof(&state.limits, request, &shown, work).await
}

/// The hashing lies between two transactions: nobody makes the server hash without a proof.
async fn set_password(
    state: &AppState,
    ctx: &Ctx,
    proof: OneTimeProof,
    password: NewPassword,
) -> Result<Option<EmailAddress>, Problem> {
    let (first, keys) = (ctx.clone(), Arc::clone(&state.keys));
    let proving = state
        .store
        .write(move |tx| auth::prove_reset(tx, &first, &keys, &proof));
    let proven = level(proving).await?;
    let Some(proven) = proven else {
        return Ok(None);
    };
    let hash = state.passwords.hash(password).await?;
    let (second, keys) = (ctx.clone(), Arc::clone(&state.keys));
    Ok(state
        .store
        .write(move |tx| auth::reset_password(tx, &second, &keys, proven, &hash))
        .await?)
}
