//! Asking somebody who is signed in for their password once more.

use crate::problem::Problem;
use crate::problem_catalogue::ProblemType;
use crate::state::AppState;
use auth::{AuthRepository, PasswordHash};
use kernel::UserId;

/// The hash that the password fits, for the operation to compare with the one that is kept by then; 403 if it is not the
/// account's, or the account has none.
pub async fn check_own_password(
    state: &AppState,
    user_id: UserId,
    password: String,
) -> Result<PasswordHash, Problem> {
    let hash = state.store.read(move |tx| tx.find_password_hash(user_id)).await?;
    let fits = state.passwords.verify(password, hash.clone()).await?;
    hash.filter(|_| fits)
        .ok_or_else(|| ProblemType::WrongPassword.into())
}
