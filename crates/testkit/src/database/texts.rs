//! Every text of every table, as the database's own catalogue lists them: a table that is added later is among them by
//! itself.

use super::TestDatabase;
use diesel::sql_types::{Nullable, Text};
use diesel::{QueryResult, QueryableByName, RunQueryDsl, sql_query};
use storage::DbConn;

/// The columns of all tables, of whatever type.
const POSTGRES_COLUMNS: &str = "SELECT c.table_name::text AS container, c.column_name::text AS part \
    FROM information_schema.columns c JOIN information_schema.tables t \
    ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
    WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' ORDER BY 1, 2";
const SQLITE_COLUMNS: &str = "SELECT t.name AS container, c.name AS part \
    FROM sqlite_master t JOIN pragma_table_info(t.name) c \
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1, 2";

/// What stands in one column of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// `table.column`.
    pub place: String,
    /// What stands there, as text.
    pub text: String,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    container: String,
    #[diesel(sql_type = Text)]
    part: String,
}

#[derive(QueryableByName)]
struct Content {
    #[diesel(sql_type = Nullable<Text>)]
    content: Option<String>,
}

impl TestDatabase {
    /// What stands in every column of every row of every table.
    pub fn every_cell(&self) -> Vec<Cell> {
        let mut connection = self.connect();
        let columns: Vec<Column> = match &mut connection {
            DbConn::Postgres(c) => sql_query(POSTGRES_COLUMNS).load(c),
            DbConn::Sqlite(c) => sql_query(SQLITE_COLUMNS).load(c),
        }
        .expect("the catalogue");
        assert!(!columns.is_empty(), "the catalogue lists no column");
        let mut cells = Vec::new();
        for Column { container, part } in columns {
            let query = format!("SELECT CAST(\"{part}\" AS TEXT) AS content FROM \"{container}\"");
            let rows: QueryResult<Vec<Content>> = match &mut connection {
                DbConn::Postgres(c) => sql_query(&query).load(c),
                DbConn::Sqlite(c) => sql_query(&query).load(c),
            };
            let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
            cells.extend(rows.into_iter().filter_map(|row| {
                let place = format!("{container}.{part}");
                row.content.map(|text| Cell { place, text })
            }));
        }
        cells
    }
}
