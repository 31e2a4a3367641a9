//! The plan of a query instead of its rows, so that tests can look whether an index serves the query as it really is.

use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Integer, Text};
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, RunQueryDsl};
use std::marker::PhantomData;

/// A query with EXPLAIN before it; `Row` is what a line of the plan is made of.
pub(crate) struct Explain<Q, Row> {
    query: Q,
    row: PhantomData<Row>,
}

impl<Q> Explain<Q, Text> {
    pub(crate) fn postgres(query: Q) -> Self {
        Self {
            query,
            row: PhantomData,
        }
    }
}

impl<Q> Explain<Q, (Integer, Integer, Integer, Text)> {
    pub(crate) fn sqlite(query: Q) -> Self {
        Self {
            query,
            row: PhantomData,
        }
    }
}

impl<Q, Row> QueryId for Explain<Q, Row> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explain<Q, Text> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("EXPLAIN ");
        self.query.walk_ast(out)
    }
}

impl<Q: QueryFragment<Sqlite>> QueryFragment<Sqlite> for Explain<Q, (Integer, Integer, Integer, Text)> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("EXPLAIN QUERY PLAN ");
        self.query.walk_ast(out)
    }
}

impl<Q, Row> Query for Explain<Q, Row> {
    type SqlType = Row;
}

impl<Q, Row, C> RunQueryDsl<C> for Explain<Q, Row> {}

/// The plan of a query on a connection of either database, as text.
macro_rules! plan {
    ($connection:expr, $query:expr) => {
        match $connection {
            $crate::connection::DbConn::Postgres(c) => {
                let lines: Vec<String> = $crate::explain::Explain::postgres($query).load(c)?;
                Ok(lines.join("\n"))
            }
            $crate::connection::DbConn::Sqlite(c) => {
                let steps: Vec<(i32, i32, i32, String)> = $crate::explain::Explain::sqlite($query).load(c)?;
                Ok(steps
                    .into_iter()
                    .map(|(.., step)| step)
                    .collect::<Vec<_>>()
                    .join("\n"))
            }
        }
    };
}
pub(crate) use plan;
