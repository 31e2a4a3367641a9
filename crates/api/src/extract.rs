//! What handlers take as arguments. Every failure is a [`crate::problem::Problem`].
//!
//! actix resolves a handler's arguments before it runs. Where the operation must refuse somebody before it says what is
//! wrong with the body, take `Result<JsonBody<T>, Problem>` and [`allowed_first`].

mod body;
mod caller;
mod conditional;
mod form;
mod json_fit;
mod json_tree;
mod list;
mod path;
mod percent;
mod query;

pub use body::{CSV, CsvBody, Fingerprint, JsonBody, OptionalJsonBody, PatchBody, RawBody};
pub use caller::{Caller, RefreshCookie, SignedInCaller, WaitingClient};
pub use conditional::{EntityTag, IfMatch, matches_if_none_match};
pub use form::{FORM, FormBody, FormFields, LinkQuery};
pub use list::{ListAnswer, ListParams, ListQuery, Paging};
pub use path::{PathId, PathText};
pub use query::QueryParams;

use crate::problem::Problem;

/// What came with a request, read; if it does not fit, `asked` has the first word: who may not ask at all is told so, and
/// nothing of what is wrong with the content of theirs.
pub async fn allowed_first<T, A, E>(
    read: Result<T, Problem>,
    asked: impl Future<Output = Result<A, E>>,
) -> Result<T, Problem>
where
    Problem: From<E>,
{
    match read {
        Ok(content) => Ok(content),
        Err(problem) => {
            asked.await?;
            Err(problem)
        }
    }
}
