//! The words under which attendees are found: written with every attendee's row, and looked up.

use crate::Tx;
use crate::columns::Uid;
use crate::connection::{DbConn, on};
use crate::schema::{attendee_words, attendees};
use crate::transaction::rows;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{StoreError, TypedId, search_words};
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

    fn words(&self) -> BTreeSet<String> {
        search_words(&self.name_key, &self.email_key)
    }
}

/// All words that begin so.
macro_rules! beginning_with {
    ($prefix:expr) => {{
        let prefix: &str = $prefix;
        attendee_words::table
            .filter(attendee_words::word.ge(prefix.to_owned()))
            .filter(attendee_words::word.lt(format!("{prefix}{}", crate::attendee_words::LAST_OF_ALL)))
    }};
}
pub(crate) use beginning_with;

/// Greater than every other character.
pub(crate) const LAST_OF_ALL: char = '\u{10ffff}';

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

    /// Those who have a word that begins so, if there are at most so many.
    pub(crate) fn people_with_word(
        &mut self,
        prefix: &str,
        most: usize,
    ) -> Result<Option<Vec<Uid>>, StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX - 1) + 1;
        let mut found: Vec<Uid> = self.run(|connection| {
            on!(connection, |c| beginning_with!(prefix)
                .limit(limit)
                .select(attendee_words::attendee_id)
                .load(c))
        })?;
        if found.len() > most {
            return Ok(None);
        }
        found.sort_unstable();
        found.dedup();
        Ok(Some(found))
    }
}
