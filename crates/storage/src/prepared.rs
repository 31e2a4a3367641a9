//! Statements that are prepared once per connection and kept.
//!
//! The query builder never keeps an UPDATE, an INSERT of a list, or a query with a literal piece of SQL: it cannot know
//! whether their text is always the same. Each then costs one more round trip and one more planning every time. Where
//! we know that the text has one form, or a few, [`Prepared`] says so. It is heard by `load` and `get_result` only, not
//! by `execute`; a change is therefore written with RETURNING, and its rows are counted.

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement whose text has few forms. Never wrap one whose text grows with its content: every form is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prepared<Q>(pub(crate) Q);

impl<Q: QueryId> QueryId for Prepared<Q> {
    type QueryId = Q::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Q::HAS_STATIC_QUERY_ID;
}

impl<DB: Backend, Q: QueryFragment<DB>> QueryFragment<DB> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q, C> RunQueryDsl<C> for Prepared<Q> {}
