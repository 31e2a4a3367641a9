//! The words under which attendees are found: written with every attendee's row, and looked up.

use crate::Tx;
use crate::columns::{Uid, sql::Id};
use crate::connection::{DbConn, on};
use crate::own_ground::Spelling;
use crate::prepared::Prepared;
use crate::schema::{attendee_words, attendees};
use crate::transaction::rows;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use kernel::{StoreError, TypedId, WordQuery, search_words};
use std::collections::BTreeSet;
use user::Attendee;

/// Which attendee is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Whose {
    /// The one with that id.
    Id(Uid),
    /// That of the account.
    User(Uid),
}

/// What an attendee's words are made of.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub(crate) struct Keys {
    pub(crate) id: Uid,
    pub(crate) name_key: String,
    pub(crate) email_key: String,
}

impl Keys {
    pub(crate) fn of(attendee: &Attendee) -> Self {
        Self {
            id: Uid(attendee.id.uuid()),
            name_key: kernel::fold(attendee.name.as_str()),
            email_key: attendee.email.key().to_owned(),
        }
    }

    pub(crate) fn words(&self) -> BTreeSet<String> {
        search_words(&self.name_key, &self.email_key)
    }
}

/// All words that begin so.
macro_rules! beginning_with {
    ($prefix:expr) => {{
        let prefix: &str = $prefix;
        attendee_words::table
            .filter(attendee_words::word.ge(prefix.to_owned()))
            .filter(attendee_words::word.lt(crate::attendee_words::after_all_with(prefix)))
    }};
}
pub(crate) use beginning_with;

/// That a column has the id of somebody with a word that begins so. As a value that is looked up in a table of its own, which is
/// made once.
macro_rules! has_word {
    ($column:literal, $word:expr) => {{
        let word: &str = $word;
        diesel::dsl::sql::<diesel::sql_types::Bool>(concat!(
            "(",
            $column,
            " IN (SELECT attendee_id FROM attendee_words WHERE word >= "
        ))
        .bind::<diesel::sql_types::Text, _>(word.to_owned())
        .sql(" AND word < ")
        .bind::<diesel::sql_types::Text, _>($crate::attendee_words::after_all_with(word))
        .sql(")) IS TRUE")
    }};
}
pub(crate) use has_word;

/// The newest beneath an id with a word that begins so and one that begins like each of the others.
macro_rules! newest_with_words {
    ($prefix:expr, $others:expr, $before:expr, $most:expr) => {{
        let mut query = beginning_with!($prefix).into_boxed();
        for other in $others {
            let other: &$crate::attendee_words::Rare<'_> = other;
            query = query.filter(has_word!("attendee_words.attendee_id", other.word));
        }
        query
            .filter(attendee_words::attendee_id.lt($before))
            .order(attendee_words::attendee_id.desc())
            .limit($crate::attendee_words::limit($most))
            .select(attendee_words::attendee_id)
    }};
}
pub(crate) use newest_with_words;

/// What every attendee fulfils who has all these words: they stand somewhere in the name or in the address. Many a one fulfils it
/// who has none of them, so that `WordQuery::fits` is asked in the end. What stands before the `@` is folded in one way for the
/// address and in another for its words; in one that is all ASCII that is the same.
macro_rules! may_have_words {
    ($query:expr, $words:expr) => {{
        let (mut query, words): (_, Option<&kernel::WordQuery>) = ($query, $words);
        for word in words.map_or(&[][..], kernel::WordQuery::words) {
            if let Some(address) = word.strip_prefix('@') {
                let pattern = kernel::pattern_of(address);
                query = query.filter(attendees::email_key.like(pattern).escape('\\'));
            } else {
                let pattern = kernel::pattern_of(word);
                query = query.filter(
                    attendees::name_key
                        .like(pattern.clone())
                        .escape('\\')
                        .or(attendees::email_key.like(pattern).escape('\\'))
                        .or(diesel::dsl::sql::<diesel::sql_types::Bool>(
                            "octet_length(attendees.email_key) <> length(attendees.email_key)",
                        )),
                );
            }
        }
        query
    }};
}
pub(crate) use may_have_words;

/// Greater than every other character.
const LAST_OF_ALL: char = '\u{10ffff}';

/// What comes after all words that begin so.
pub(crate) fn after_all_with(prefix: &str) -> String {
    format!("{prefix}{LAST_OF_ALL}")
}

impl Tx<'_> {
    /// The keys of an attendee, which stay as they are until the end of the transaction unless it changes them.
    pub(crate) fn hold_keys(&mut self, whose: Whose) -> Result<Option<Keys>, StoreError> {
        let columns = (attendees::id, attendees::name_key, attendees::email_key);
        self.run(|connection| match (connection, whose) {
            (DbConn::Postgres(c), Whose::Id(id)) => attendees::table
                .find(id)
                .select(columns)
                .for_no_key_update()
                .first(c)
                .optional(),
            (DbConn::Postgres(c), Whose::User(id)) => attendees::table
                .filter(attendees::user_id.eq(id))
                .select(columns)
                .for_no_key_update()
                .first(c)
                .optional(),
            (DbConn::Sqlite(c), Whose::Id(id)) => {
                attendees::table.find(id).select(columns).first(c).optional()
            }
            (DbConn::Sqlite(c), Whose::User(id)) => attendees::table
                .filter(attendees::user_id.eq(id))
                .select(columns)
                .first(c)
                .optional(),
        })
    }

    /// Keeps the words of an attendee that is new.
    pub(crate) fn keep_words(&mut self, keys: &Keys) -> Result<(), StoreError> {
        let words: Vec<_> = keys.words().into_iter().map(|word| (word, keys.id)).collect();
        self.insert_words(&words)
    }

    fn insert_words(&mut self, words: &[(String, Uid)]) -> Result<(), StoreError> {
        for chunk in words.chunks(5_000) {
            let rows: Vec<_> = chunk
                .iter()
                .map(|(word, id)| (attendee_words::word.eq(word), attendee_words::attendee_id.eq(id)))
                .collect();
            self.run(|connection| match connection {
                DbConn::Postgres(c) => diesel::insert_into(attendee_words::table)
                    .values(&rows)
                    .on_conflict_do_nothing()
                    .execute(c),
                DbConn::Sqlite(c) => diesel::insert_or_ignore_into(attendee_words::table)
                    .values(&rows)
                    .execute(c),
            })?;
        }
        Ok(())
    }

    /// Keeps other words of an attendee whose keys were held before it was changed.
    pub(crate) fn change_words(
        &mut self,
        before: Option<Keys>,
        name_key: &str,
        email_key: &str,
    ) -> Result<(), StoreError> {
        let Some(before) = before else { return Ok(()) };
        let words = search_words(name_key, email_key);
        let gone = before.words().difference(&words).cloned().collect();
        self.delete_words(before.id, gone)?;
        let words: Vec<_> = words.into_iter().map(|word| (word, before.id)).collect();
        self.insert_words(&words)
    }

    /// Removes the words of an attendee whose keys were held before it was removed.
    pub(crate) fn forget_words(&mut self, before: Option<Keys>) -> Result<(), StoreError> {
        let Some(before) = before else { return Ok(()) };
        self.delete_words(before.id, before.words().into_iter().collect())
    }

    fn delete_words(&mut self, id: Uid, words: Vec<String>) -> Result<(), StoreError> {
        if words.is_empty() {
            return Ok(());
        }
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                attendee_words::table
                    .filter(attendee_words::word.eq_any(words))
                    .filter(attendee_words::attendee_id.eq(id))
            )
            .execute(c))
        })?;
        Ok(())
    }

    /// Keeps the words of attendees that were written by something else: a server of the version before, a seed, a restored file.
    /// Gives how many there were.
    pub fn keep_missing_words(&mut self, most: u32) -> Result<u32, StoreError> {
        let without = attendees::table
            .filter(sql::<Bool>("NOT attendees.words_kept"))
            .order(attendees::id)
            .limit(i64::from(most))
            .select((attendees::id, attendees::name_key, attendees::email_key));
        let found: Vec<Keys> = self.run(|connection| match connection {
            DbConn::Postgres(c) => without.for_no_key_update().skip_locked().load(c),
            DbConn::Sqlite(c) => without.load(c),
        })?;
        if found.is_empty() {
            return Ok(0);
        }
        let words: Vec<_> = found
            .iter()
            .flat_map(|keys| keys.words().into_iter().map(|word| (word, keys.id)))
            .collect();
        self.insert_words(&words)?;
        let ids: Vec<Uid> = found.iter().map(|keys| keys.id).collect();
        self.run(|connection| {
            on!(connection, |c| diesel::update(
                attendees::table.filter(attendees::id.eq_any(ids))
            )
            .set(attendees::words_kept.eq(true))
            .execute(c))
        })?;
        Ok(rows(found.len()))
    }

    /// Those of these words that at most so many people have, that of the fewest first. Who has more words that begin so counts for
    /// each of them.
    pub(crate) fn rare_words<'a>(
        &mut self,
        query: &'a WordQuery,
        most: usize,
    ) -> Result<Vec<Rare<'a>>, StoreError> {
        let mut rare = Vec::new();
        for word in query.words() {
            let people = self.count_words(word, most)?;
            if people <= most {
                rare.push(Rare { people, word });
            }
        }
        rare.sort_unstable_by_key(|rare| rare.people);
        Ok(rare)
    }

    /// How many words begin so, each counted for each who has it; one more than `most` for all that is beyond. It was so within
    /// the last minute.
    fn count_words(&mut self, prefix: &str, most: usize) -> Result<usize, StoreError> {
        if let Some(known) = self.word_counts.of(prefix, most) {
            return Ok(known);
        }
        let counted: i64 = self.run(|connection| {
            on!(connection, |c| Prepared(diesel::select(
                sql::<BigInt>("(SELECT count(*) FROM (SELECT 1 FROM attendee_words WHERE word >= ")
                    .bind::<Text, _>(prefix)
                    .sql(" AND word < ")
                    .bind::<Text, _>(after_all_with(prefix))
                    .sql(" LIMIT ")
                    .bind::<BigInt, _>(limit(most) + 1)
                    .sql(") counted)")
            ))
            .get_result(c))
        })?;
        let counted = usize::try_from(counted).unwrap_or(usize::MAX);
        self.word_counts.keep(prefix, counted, most);
        Ok(counted)
    }

    /// The words that begin so, if there are at most so many different ones.
    pub(crate) fn different_words(
        &mut self,
        prefix: &str,
        most: usize,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let found: Vec<Word> = self.run(|connection| {
            let text = different_words(connection);
            on!(connection, |c| Prepared(
                diesel::sql_query(text)
                    .bind::<Text, _>(prefix)
                    .bind::<Text, _>(after_all_with(prefix))
                    .bind::<BigInt, _>(limit(most) + 1)
            )
            .load(c))
        })?;
        if found.len() > most {
            return Ok(None);
        }
        Ok(Some(found.into_iter().map(|found| found.word).collect()))
    }

    /// The ids of the newest beneath an id who have one of these very words, some of them more than once.
    pub(crate) fn newest_of_words(
        &mut self,
        words: &[String],
        before: Uid,
        most: usize,
    ) -> Result<Vec<Uid>, StoreError> {
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<Person> = self.run(|connection| {
            let text = newest_of_words(connection, words.len());
            on!(connection, |c| {
                let query = diesel::sql_query(text).into_boxed().bind::<Id, _>(before);
                let query = query.bind::<BigInt, _>(limit(most));
                let query = words
                    .iter()
                    .fold(query, diesel::query_builder::BoxedSqlQuery::bind::<Text, _>);
                Prepared(query).load(c)
            })
        })?;
        Ok(found.into_iter().map(|found| found.attendee_id).collect())
    }

    /// The ids of the newest beneath an id who have a word that begins like the first of these, and one that begins like each of the
    /// others; some of them more than once. The database reads all who have them.
    pub(crate) fn newest_with_words(
        &mut self,
        rare: &[Rare<'_>],
        before: Uid,
        most: usize,
    ) -> Result<Vec<Uid>, StoreError> {
        let Some((first, others)) = rare.split_first() else {
            return Ok(Vec::new());
        };
        self.run(|connection| {
            on!(connection, |c| Prepared(newest_with_words!(
                first.word, others, before, most
            ))
            .load(c))
        })
    }
}

/// One of the words that are looked for, and how many people have it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rare<'a> {
    pub(crate) people: usize,
    pub(crate) word: &'a str,
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    word: String,
}

#[derive(QueryableByName)]
struct Person {
    #[diesel(sql_type = Id)]
    attendee_id: Uid,
}

/// Goes from each word to the next through the index, whoever has it.
pub(crate) fn different_words(connection: &DbConn) -> String {
    let mark = Spelling::of(connection).mark;
    format!(
        "WITH RECURSIVE found(word) AS (
           SELECT word FROM (SELECT word FROM attendee_words WHERE word >= {mark}1 AND word < {mark}2 ORDER BY word LIMIT 1) begun
           UNION ALL
           SELECT (SELECT beyond.word FROM attendee_words beyond WHERE beyond.word > found.word AND beyond.word < {mark}2
                   ORDER BY beyond.word LIMIT 1)
           FROM found WHERE found.word IS NOT NULL
         ) SELECT word FROM found WHERE word IS NOT NULL LIMIT {mark}3"
    )
}

/// Who has a very word stands in the index in the order of the ids.
pub(crate) fn newest_of_words(connection: &DbConn, many: usize) -> String {
    let mark = Spelling::of(connection).mark;
    let each: Vec<String> = (3..many + 3)
        .map(|number| {
            format!(
                "SELECT attendee_id FROM (SELECT attendee_id FROM attendee_words \
                 WHERE word = {mark}{number} AND attendee_id < {mark}1 ORDER BY attendee_id DESC LIMIT {mark}2) one"
            )
        })
        .collect();
    format!(
        "SELECT attendee_id FROM ({}) found ORDER BY attendee_id DESC LIMIT {mark}2",
        each.join(" UNION ALL ")
    )
}

/// A number of rows as the databases take it.
pub(crate) fn limit(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX - 1)
}
