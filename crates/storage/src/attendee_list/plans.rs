//! How the database goes about lists of attendees, for the test that looks whether it takes the indexes.

use super::{
    AttendeeFilter, AttendeeRow, OwnGround, Position, Spelling, StoreError, Tx, Uid, Wanted, WordQuery,
    address_pattern, attendee_words, attendees, like_pattern, limit, may_have_words, on_ground,
};
use crate::attendee_words::{
    Rare, after_all_with, beginning_with, different_words, has_word, newest_of_words, newest_with_words,
};
use crate::columns::sql::Id;
use crate::events_of_runner::plan_of_top;
use crate::explain::plan;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use kernel::{EventId, UserId};

impl Tx<'_> {
    /// How the database goes about searches for people and registrations, each way with its name. Those that have to read everybody
    /// are not among them. `words` are some that many have.
    #[doc(hidden)]
    pub fn plans_of_searches(
        &mut self,
        event: EventId,
        runner: UserId,
        words: &WordQuery,
        place: Position,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let before = Uid(place.id);
        let mut plans = self.plans_of_searched_registrations(event, words, None)?;
        plans.extend(self.plans_of_searched_registrations(event, words, Some(place))?);
        plans.extend(self.plans_of_registrations(event, place)?);
        let filter = AttendeeFilter {
            words: Some(words.clone()),
            name: None,
            email: None,
        };
        let (wanted, since) = (&Wanted::of(&filter), Some(Uid(uuid::Uuid::nil())));
        let ground = &OwnGround {
            creator: Uid::of(runner),
            events: vec![Uid::of(event)],
            about: 0,
        };
        let word = words.words().first().map_or("", String::as_str);
        plans.push((
            "votes at an event, counted".to_owned(),
            self.plan_of_counting(event)?,
        ));
        let mut explain = |name: &str, plan: Result<String, StoreError>| {
            plan.map(|plan| plans.push((name.to_owned(), plan)))
        };
        for (name, ground) in [
            ("the newest of all", None),
            ("the newest of all, asked whether they are here", Some(ground)),
        ] {
            let plan = self.run(|connection| {
                let spelling = Spelling::of(connection);
                plan!(
                    connection,
                    newest_of_everyone!(wanted, ground, spelling, before, since).limit(26)
                )
            });
            explain(name, plan)?;
        }
        let plan = self.run(|connection| plan!(connection, place_of_everyone!(before, 2_000)));
        explain("all, counted off", plan)?;
        let rare = [Rare { people: 1, word }];
        let plan = self.run(|connection| plan!(connection, newest_with_words!(word, &rare, before, 26)));
        explain("people with two words", plan)?;
        let plan = self.run(|connection| {
            let text = newest_of_words(connection, 1);
            plan!(
                connection,
                diesel::sql_query(&text)
                    .bind::<Id, _>(before)
                    .bind::<BigInt, _>(26)
                    .bind::<Text, _>(word)
            )
        });
        explain("people with this very word", plan)?;
        let plan = self.run(|connection| {
            let text = different_words(connection);
            plan!(
                connection,
                diesel::sql_query(&text)
                    .bind::<Text, _>(word)
                    .bind::<Text, _>(after_all_with(word))
                    .bind::<BigInt, _>(17)
            )
        });
        explain("words that begin alike", plan)?;
        let people = [before; 3];
        let plan = self.run(|connection| plan!(connection, with_ids!(&people, wanted)));
        explain("a few people", plan)?;
        let plan = self.run(|connection| ground.plan_of_among(connection, &people));
        explain("a few, asked whether they are here", plan)?;
        let plan = self.run(|connection| plan!(connection, noted_by!(ground.creator, before).limit(26)));
        explain("whom an organiser noted", plan)?;
        let plan = self.run(|connection| plan_of_top(connection, &ground.events, before));
        explain("the newest of events", plan)?;
        let plan = self.run(|connection| ground.plan_of_newest(connection, before, word));
        explain("all of events", plan)?;
        Ok(plans)
    }
}
