//! Rows and queries of answers to security questions, and of the tries of them.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::on;
use crate::schema::{security_answer_tries, security_answers};
use crate::transaction::count;
use auth::{AnswerTries, PasswordHash, SecurityAnswer, SecurityAnswersRepository};
use diesel::prelude::*;
use kernel::{Instant, StoreError, UserId};

impl SecurityAnswersRepository for Tx<'_> {
    fn list_security_answers(&mut self, user_id: UserId) -> Result<Vec<SecurityAnswer>, StoreError> {
        let rows: Vec<(String, String)> = self.run(|connection| {
            on!(connection, |c| security_answers::table
                .filter(security_answers::user_id.eq(Uid::of(user_id)))
                .order(security_answers::question_id)
                .select((security_answers::question_id, security_answers::answer_hash))
                .load(c))
        })?;
        Ok(rows
            .into_iter()
            .map(|(question_id, hash)| SecurityAnswer {
                question_id,
                answer_hash: PasswordHash::from_stored(hash),
            })
            .collect())
    }

    fn replace_security_answers(
        &mut self,
        user_id: UserId,
        answers: &[SecurityAnswer],
        at: Instant,
    ) -> Result<(), StoreError> {
        self.hold_account(user_id)?;
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                security_answers::table.filter(security_answers::user_id.eq(Uid::of(user_id)))
            )
            .execute(c))
        })?;
        let rows: Vec<_> = answers
            .iter()
            .map(|answer| {
                (
                    security_answers::user_id.eq(Uid::of(user_id)),
                    security_answers::question_id.eq(answer.question_id.clone()),
                    security_answers::answer_hash.eq(answer.answer_hash.as_str().to_owned()),
                    security_answers::created_at.eq(Ts(at)),
                )
            })
            .collect();
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(security_answers::table)
                .values(&rows)
                .execute(c))
        })?;
        Ok(())
    }

    fn find_answer_tries(&mut self, user_id: UserId) -> Result<Option<AnswerTries>, StoreError> {
        let row: Option<(i32, Ts, Option<Ts>)> = self.run(|connection| {
            on!(connection, |c| security_answer_tries::table
                .find(Uid::of(user_id))
                .select((
                    security_answer_tries::wrong,
                    security_answer_tries::last_try_at,
                    security_answer_tries::locked_until,
                ))
                .first(c)
                .optional())
        })?;
        let Some((wrong, last_try_at, locked_until)) = row else {
            return Ok(None);
        };
        Ok(Some(AnswerTries {
            wrong: count("security_answer_tries", Uid::of(user_id), "wrong", wrong)?,
            last_try_at: last_try_at.0,
            locked_until: locked_until.map(|until| until.0),
        }))
    }

    fn keep_answer_tries(&mut self, user_id: UserId, tries: &AnswerTries) -> Result<(), StoreError> {
        self.hold_account(user_id)?;
        let columns = (
            security_answer_tries::wrong.eq(i32::try_from(tries.wrong).unwrap_or(i32::MAX)),
            security_answer_tries::last_try_at.eq(Ts(tries.last_try_at)),
            security_answer_tries::locked_until.eq(tries.locked_until.map(Ts)),
        );
        self.run(|connection| {
            on!(connection, |c| diesel::insert_into(security_answer_tries::table)
                .values((security_answer_tries::user_id.eq(Uid::of(user_id)), columns))
                .on_conflict(security_answer_tries::user_id)
                .do_update()
                .set(columns)
                .execute(c))
        })?;
        Ok(())
    }

    fn forget_answer_tries(&mut self, user_id: UserId) -> Result<(), StoreError> {
        self.run(|connection| {
            on!(connection, |c| diesel::delete(
                security_answer_tries::table.find(Uid::of(user_id))
            )
            .execute(c))
        })?;
        Ok(())
    }
}
