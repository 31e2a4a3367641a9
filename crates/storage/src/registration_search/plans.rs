//! How the database goes about searches for registrations, for the test that looks whether it takes the indexes.

use super::{
    Bool, Position, RegistrationFilter, Search, StoreError, Ts, Tx, Uid, WordQuery, after_place, attendees,
    filtered, has_word, in_order, is_of_all, limit, may_have_words, of_registrations, place, registrations,
    sql, status_is,
};
use crate::explain::plan;
use diesel::prelude::*;
use kernel::EventId;
use registration::RegistrationStatus;

impl Tx<'_> {
    /// The plans, each with its name. `words` are some that many have.
    pub(crate) fn plans_of_searched_registrations(
        &mut self,
        event: EventId,
        words: &WordQuery,
        after: Option<Position>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let everywhere = RegistrationFilter::default();
        let all = RegistrationFilter {
            event_id: Some(event),
            ..everywhere.clone()
        };
        let rare = RegistrationFilter {
            status: Some(RegistrationStatus::Cancelled),
            ..all.clone()
        };
        let people = [Uid(uuid::Uuid::max()); 3];
        let mut plans = Vec::new();
        for (which, filter) in [
            ("at an event", &all),
            ("cancelled at an event", &rare),
            ("at all events", &everywhere),
        ] {
            let search = &Search {
                words,
                filter,
                after,
                most: 26,
                ids: Vec::new(),
            };
            let last = after.map(|_| Position {
                value: 0,
                id: uuid::Uuid::nil(),
            });
            let word = words.words().first().map(String::as_str);
            for (how, word) in [("searched", None), ("compared", word)] {
                let plan = self.run(|connection| plan!(connection, walked!(search, last, word).limit(26)))?;
                plans.push((format!("registrations {which}, {how}"), plan));
            }
            let plan = self.run(|connection| plan!(connection, place_of!(search, 2_000)))?;
            plans.push((format!("registrations {which}, counted off"), plan));
            let plan = self.run(|connection| plan!(connection, of_people!(search, &people)))?;
            plans.push((format!("registrations {which}, of a few people"), plan));
        }
        Ok(plans)
    }
}
