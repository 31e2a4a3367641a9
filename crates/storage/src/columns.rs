//! Column types that are one in the code and two in the databases: ids (uuid / TEXT), instants (timestamptz / TEXT,
//! RFC 3339 with microseconds and `Z`) and documents (jsonb / TEXT).

use chrono::{DateTime, SecondsFormat, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types as st;
use diesel::sqlite::Sqlite;
use kernel::TypedId;
use uuid::Uuid;

/// The SQL side: one marker per column type. PostgreSQL's OIDs are given by number, since names cost a look-up.
pub mod sql {
    use diesel::query_builder::QueryId;
    use diesel::sql_types::SqlType;

    /// An id.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Text"))]
    pub struct Id;

    /// An instant.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Text"))]
    pub struct Instant;

    /// A JSON document.
    #[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
    #[diesel(postgres_type(oid = 3802, array_oid = 3807), sqlite_type(name = "Text"))]
    pub struct Document;

    impl diesel::sql_types::SqlOrd for Id {}
    impl diesel::sql_types::SqlOrd for Instant {}
}

/// An id in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, FromSqlRow, AsExpression)]
#[diesel(sql_type = sql::Id)]
pub struct Uid(pub Uuid);

impl Uid {
    /// The column's form of a typed id.
    pub fn of(id: impl TypedId) -> Self {
        Self(id.uuid())
    }

    /// The typed id that the column holds.
    pub fn typed<I: TypedId>(self) -> I {
        I::from_uuid(self.0)
    }
}

/// An instant in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, FromSqlRow, AsExpression)]
#[diesel(sql_type = sql::Instant)]
pub struct Ts(pub DateTime<Utc>);

/// A JSON document in a row.
#[derive(Debug, Clone, PartialEq, Eq, FromSqlRow, AsExpression)]
#[diesel(sql_type = sql::Document)]
pub struct Doc(pub serde_json::Value);

impl FromSql<sql::Id, Pg> for Uid {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <Uuid as FromSql<st::Uuid, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<sql::Id, Pg> for Uid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <Uuid as ToSql<st::Uuid, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<sql::Id, Sqlite> for Uid {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(Uuid::try_parse(value.read_text())?))
    }
}

impl ToSql<sql::Id, Sqlite> for Uid {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.hyphenated().to_string());
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Instant, Pg> for Ts {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <DateTime<Utc> as FromSql<st::Timestamptz, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<sql::Instant, Pg> for Ts {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <DateTime<Utc> as ToSql<st::Timestamptz, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<sql::Instant, Sqlite> for Ts {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(
            DateTime::parse_from_rfc3339(value.read_text())?.with_timezone(&Utc),
        ))
    }
}

impl ToSql<sql::Instant, Sqlite> for Ts {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(self.0.to_rfc3339_opts(SecondsFormat::Micros, true));
        Ok(IsNull::No)
    }
}

impl FromSql<sql::Document, Pg> for Doc {
    fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        <serde_json::Value as FromSql<st::Jsonb, Pg>>::from_sql(value).map(Self)
    }
}

impl ToSql<sql::Document, Pg> for Doc {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <serde_json::Value as ToSql<st::Jsonb, Pg>>::to_sql(&self.0, out)
    }
}

impl FromSql<sql::Document, Sqlite> for Doc {
    fn from_sql(mut value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_str(value.read_text())?))
    }
}

impl ToSql<sql::Document, Sqlite> for Doc {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        out.set_value(serde_json::to_string(&self.0)?);
        Ok(IsNull::No)
    }
}
