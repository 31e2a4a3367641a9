//! Asking somebody who is signed in for their password once more.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::sign_in_limits::{AccountKey, Guess};
use crate::state::AppState;
use actix_web::HttpRequest;
use auth::{AuthRepository, PasswordHash};
use kernel::{StoreError, UserId};
use user::UserRepository;

/// The hash that the password fits, for the operation to compare with the one that is kept by then; 403 if it is not the
/// account's, or the account has none. It is a guess like that of a sign-in, and counted with those: whoever has taken over
/// a session tries no more passwords with it.
pub async fn check_own_password(
    state: &AppState,
    request: &HttpRequest,
    user_id: UserId,
    password: String,
) -> Result<PasswordHash, Problem> {
    let found = state
        .store
        .read(move |tx| {
            let user = tx.find_user(user_id)?;
            Ok::<_, StoreError>(user.map(|user| user.email).zip(tx.find_password_hash(user_id)?))
        })
        .await?;
    let Some((email, hash)) = found else {
        return Err(ProblemType::WrongPassword.into());
    };
    let attempt = state
        .limits
        .attempt(Guess::Password, request, AccountKey::of(&email))
        .await?;
    match state.passwords.verify(password, Some(hash.clone())).await {
        Ok(true) => {
            attempt.succeeded().await;
            Ok(hash)
        }
        Ok(false) => {
            attempt.failed();
            Err(ProblemType::WrongPassword.into())
        }
        Err(problem) => {
            attempt.void().await;
            Err(problem)
        }
    }
}
