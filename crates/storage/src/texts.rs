//! Text messages besides mails, for people who want them: added for all at once, before what gathered is written. What
//! nobody gets as a text, such as the mail that follows a registration, costs no query.

use crate::Tx;
use crate::columns::{Ts, Uid};
use crate::connection::{DbConn, on};
use crate::outbox::text_row;
use crate::schema::{outbox, users};
use chrono::TimeDelta;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use kernel::{Ctx, Instant, OutboxId, StoreError, UserId};
use notification::{Message, TEXTS_A_DAY};
use std::collections::HashMap;

/// The predicate of the partial index `outbox_texts`, in its words.
const TEXT: &str = "outbox.medium = 'sms'";

/// So many people are looked up in one query.
const AT_ONCE: usize = 1_000;

/// A message that its recipient may want as a text too.
pub(crate) struct TextCopy {
    id: OutboxId,
    user_id: Uid,
    message: Message,
    now: Instant,
    until: Instant,
}

impl TextCopy {
    pub(crate) fn of(ctx: &Ctx, user_id: UserId, message: &Message, until: Instant) -> Self {
        Self {
            id: ctx.new_id(),
            user_id: Uid::of(user_id),
            message: message.clone(),
            now: ctx.now,
            until,
        }
    }
}

/// Where texts to a person go, and how many more may today.
struct Wish {
    phone: String,
    left: u32,
}

impl Tx<'_> {
    /// Adds text messages to what gathered: for who wants them, as many as the day allows.
    pub(crate) fn add_text_copies(&mut self) -> Result<(), StoreError> {
        let copies = std::mem::take(&mut self.texts);
        let Some(now) = copies.first().map(|copy| copy.now) else {
            return Ok(());
        };
        let mut people: Vec<Uid> = copies.iter().map(|copy| copy.user_id).collect();
        people.sort_unstable();
        people.dedup();
        let mut wishes = HashMap::new();
        for some in people.chunks(AT_ONCE) {
            self.find_wishes(some, now, &mut wishes)?;
        }
        for copy in copies {
            let Some(wish) = wishes.get_mut(&copy.user_id) else {
                continue;
            };
            if wish.left == 0 || copy.until <= copy.now {
                continue;
            }
            wish.left -= 1;
            let to = copy.user_id.typed();
            let mut row = text_row(copy.id, copy.now, &wish.phone, to, copy.message);
            row.not_after = Some(Ts(copy.until));
            self.outbox.push(row);
        }
        Ok(())
    }

    /// Who of these wants texts. Their accounts are held, in the order of their ids, so that two transactions do not both
    /// write the last text of the day.
    fn find_wishes(
        &mut self,
        people: &[Uid],
        now: Instant,
        wishes: &mut HashMap<Uid, Wish>,
    ) -> Result<(), StoreError> {
        let who = users::table
            .filter(users::id.eq_any(people.to_vec()))
            .filter(users::text_messages.eq(true))
            .filter(users::phone_verified_at.is_not_null())
            .filter(users::phone.is_not_null())
            .order(users::id)
            .select((users::id, users::phone.assume_not_null()));
        let found: Vec<(Uid, String)> = self.run(|connection| match connection {
            DbConn::Postgres(c) => who.for_no_key_update().load(c),
            DbConn::Sqlite(c) => who.load(c),
        })?;
        if found.is_empty() {
            return Ok(());
        }
        let ids: Vec<Option<Uid>> = found.iter().map(|(id, _)| Some(*id)).collect();
        let since = Ts(now - TimeDelta::days(1));
        let sent: Vec<(Option<Uid>, i64)> = self.run(|connection| {
            on!(connection, |c| outbox::table
                .filter(sql::<Bool>(TEXT))
                .filter(outbox::user_id.eq_any(ids))
                .filter(outbox::created_at.gt(since))
                .group_by(outbox::user_id)
                .select((outbox::user_id, count_star()))
                .load(c))
        })?;
        let sent: HashMap<Option<Uid>, i64> = sent.into_iter().collect();
        wishes.extend(found.into_iter().map(|(id, phone)| {
            let before = sent.get(&Some(id)).copied().unwrap_or(0);
            let before = u32::try_from(before).unwrap_or(u32::MAX);
            let left = TEXTS_A_DAY.saturating_sub(before);
            (id, Wish { phone, left })
        }));
        Ok(())
    }
}
