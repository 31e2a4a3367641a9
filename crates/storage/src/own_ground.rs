//! The people whom an account sees: those whom it noted and those at the events that it runs. Where they are few they are read at
//! once; of others it is asked whether they are among them.

use crate::attendee_words::{after_all_with, limit};
use crate::columns::{Uid, sql::Id};
use crate::connection::{DbConn, on};
use crate::events_of_runner::{PLACES, list};
use crate::explain::plan;
use crate::prepared::Prepared;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::collections::BTreeSet;

/// Whose attendees.
#[derive(Debug, Clone)]
pub(crate) struct OwnGround {
    pub(crate) creator: Uid,
    pub(crate) events: Vec<Uid>,
    /// About as many hold a seat at these events or wait for one; who comes to more of them counts for each.
    pub(crate) about: i64,
}

#[derive(QueryableByName)]
struct Person {
    #[diesel(sql_type = Id)]
    attendee_id: Uid,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    many: i64,
}

/// How the databases spell what they do not spell alike. They number parameters by what comes after the mark.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spelling {
    pub(crate) mark: char,
    /// Before and after a list of ids: makes rows of it.
    pub(crate) rows: (&'static str, &'static str),
    /// The same, for a column that is looked up in an index.
    any: (&'static str, &'static str),
    /// Keeps a query within another from becoming one with it.
    fence: &'static str,
}

impl Spelling {
    pub(crate) const fn of(connection: &DbConn) -> Self {
        match connection {
            DbConn::Postgres(_) => Self {
                mark: '$',
                rows: (
                    "(SELECT CAST(json_array_elements_text(CAST(",
                    " AS json)) AS uuid))",
                ),
                any: (
                    "= ANY (ARRAY(SELECT CAST(json_array_elements_text(CAST(",
                    " AS json)) AS uuid)))",
                ),
                fence: "OFFSET 0",
            },
            DbConn::Sqlite(_) => Self {
                mark: '?',
                rows: ("(SELECT value FROM json_each(", "))"),
                any: ("IN (SELECT value FROM json_each(", "))"),
                fence: "",
            },
        }
    }

    /// Everybody on a ground, from the indexes by event and attendee. PostgreSQL is kept from walking all registrations in the order
    /// of the attendees instead.
    fn everybody(self) -> String {
        let (mark, (before, after), fence) = (self.mark, self.any, self.fence);
        let mut parts: Vec<String> = PLACES
            .iter()
            .map(|(table, state)| {
                format!(
                    "SELECT attendee_id FROM (SELECT attendee_id FROM {table} \
                     WHERE {table}.event_id {before}{mark}1{after} AND {state} {fence}) place"
                )
            })
            .collect();
        parts.push(format!(
            "SELECT id AS attendee_id FROM attendees WHERE created_by = {mark}2"
        ));
        parts.join(" UNION ALL ")
    }

    /// Those of these people who are on a ground.
    fn some(self) -> String {
        let (mark, (any, any_after), (rows, rows_after)) = (self.mark, self.any, self.rows);
        let at = |table: &str| {
            format!(
                "SELECT attendee_id FROM {table} WHERE attendee_id {any}{mark}3{any_after} \
                 AND (event_id IN {rows}{mark}1{rows_after}) IS TRUE"
            )
        };
        format!(
            "{} UNION ALL {} UNION ALL \
             SELECT id AS attendee_id FROM attendees WHERE created_by = {mark}2 AND id {any}{mark}3{any_after}",
            at("registrations"),
            at("waitlist_entries"),
        )
    }

    fn count(self) -> String {
        format!(
            "SELECT count(*) AS many FROM (SELECT attendee_id FROM ({}) found LIMIT {}3) counted",
            self.everybody(),
            self.mark
        )
    }

    fn newest(self, with_word: bool) -> String {
        let (mark, fence) = (self.mark, self.fence);
        // As a value it is looked up in a table of its own, which is made once.
        let has_word = format!(
            "(attendee_id IN (SELECT attendee_id FROM attendee_words WHERE word >= {mark}5 AND word < {mark}6)) IS TRUE"
        );
        format!(
            "SELECT DISTINCT attendee_id FROM (SELECT attendee_id FROM ({}) found WHERE attendee_id < {mark}3 {fence}) here \
             WHERE {} ORDER BY attendee_id DESC LIMIT {mark}4",
            self.everybody(),
            if with_word { &has_word } else { "TRUE" },
        )
    }
}

/// Those of the attendees who are on a ground. Asked for each by itself: which of their registrations are at one of its events.
macro_rules! on_ground {
    ($query:expr, $ground:expr, $spelling:expr) => {{
        use $crate::columns::sql::Id;
        let (query, ground, (before, after)) = ($query, $ground, $spelling.rows);
        let events = $crate::events_of_runner::list(&ground.events);
        let is_at = |table: &str| {
            format!(
                "(SELECT TRUE FROM {table} here WHERE here.attendee_id = attendees.id AND (here.event_id IN {before}"
            )
        };
        let ends = format!("{after}) IS TRUE LIMIT 1)");
        query.filter(
            diesel::dsl::sql::<diesel::sql_types::Bool>("((attendees.created_by = ")
                .bind::<Id, _>(ground.creator)
                .sql(&format!(") IS TRUE OR {}", is_at("registrations")))
                .bind::<diesel::sql_types::Text, _>(events.clone())
                .sql(&format!("{ends} OR {}", is_at("waitlist_entries")))
                .bind::<diesel::sql_types::Text, _>(events)
                .sql(&format!("{ends})")),
        )
    }};
}
pub(crate) use on_ground;

impl OwnGround {
    /// How many people are on it, each counted for every event, unless they are more than so many.
    pub(crate) fn at_most(&self, connection: &mut DbConn, most: usize) -> QueryResult<Option<usize>> {
        let text = Spelling::of(connection).count();
        let found: Count = on!(connection, |c| Prepared(
            diesel::sql_query(text)
                .bind::<Text, _>(list(&self.events))
                .bind::<Id, _>(self.creator)
                .bind::<BigInt, _>(limit(most) + 1)
        )
        .get_result(c))?;
        Ok(usize::try_from(found.many).ok().filter(|many| *many <= most))
    }

    /// The ids of the newest on it beneath an id, of those who have a word that begins so, if one is given. The database reads all
    /// who are on it.
    pub(crate) fn newest(
        &self,
        connection: &mut DbConn,
        before: Uid,
        word: Option<&str>,
        most: usize,
    ) -> QueryResult<Vec<Uid>> {
        let query = diesel::sql_query(Spelling::of(connection).newest(word.is_some()))
            .bind::<Text, _>(list(&self.events))
            .bind::<Id, _>(self.creator)
            .bind::<Id, _>(before)
            .bind::<BigInt, _>(limit(most));
        let found: Vec<Person> = match word {
            None => on!(connection, |c| Prepared(query).load(c))?,
            Some(word) => on!(connection, |c| Prepared(
                query.bind::<Text, _>(word).bind::<Text, _>(after_all_with(word))
            )
            .load(c))?,
        };
        Ok(found.into_iter().map(|person| person.attendee_id).collect())
    }

    /// Those of these people who are on it.
    pub(crate) fn among(&self, connection: &mut DbConn, people: &[Uid]) -> QueryResult<BTreeSet<Uid>> {
        let text = Spelling::of(connection).some();
        let found: Vec<Person> = on!(connection, |c| Prepared(
            diesel::sql_query(text)
                .bind::<Text, _>(list(&self.events))
                .bind::<Id, _>(self.creator)
                .bind::<Text, _>(list(people))
        )
        .load(c))?;
        Ok(found.into_iter().map(|person| person.attendee_id).collect())
    }

    /// How the database goes about [`Self::among`].
    pub(crate) fn plan_of_among(&self, connection: &mut DbConn, people: &[Uid]) -> QueryResult<String> {
        let query = diesel::sql_query(Spelling::of(connection).some())
            .bind::<Text, _>(list(&self.events))
            .bind::<Id, _>(self.creator)
            .bind::<Text, _>(list(people));
        plan!(connection, query)
    }

    /// How the database goes about [`Self::newest`].
    pub(crate) fn plan_of_newest(
        &self,
        connection: &mut DbConn,
        before: Uid,
        word: &str,
    ) -> QueryResult<String> {
        let query = diesel::sql_query(Spelling::of(connection).newest(true))
            .bind::<Text, _>(list(&self.events))
            .bind::<Id, _>(self.creator)
            .bind::<Id, _>(before)
            .bind::<BigInt, _>(26)
            .bind::<Text, _>(word)
            .bind::<Text, _>(after_all_with(word));
        plan!(connection, query)
    }
}

/// About how many attendees there are.
pub(crate) fn about_all(connection: &mut DbConn) -> QueryResult<i64> {
    let text = match connection {
        DbConn::Postgres(_) => {
            "SELECT CAST(reltuples AS bigint) AS many FROM pg_class WHERE oid = CAST('attendees' AS regclass)"
        }
        DbConn::Sqlite(_) => "SELECT coalesce(max(rowid), 0) AS many FROM attendees",
    };
    let found: Count = on!(connection, |c| Prepared(diesel::sql_query(text)).get_result(c))?;
    Ok(found.many)
}
