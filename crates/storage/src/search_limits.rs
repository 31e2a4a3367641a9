//! How much the searches for people read before they go about it in another way.

/// The sizes by which a search chooses its way. No answer depends on them, but for how many of a page's rows come with the next.
/// They suit the databases that the bench fills; a test makes them small, so that every way is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[doc(hidden)]
pub struct SearchLimits {
    /// Who has a word of so few people is looked up, and what is asked for is looked up for each of them.
    pub few: usize,
    /// A word of so many people is compared with those who have another one, where both are asked for.
    pub compared: usize,
    /// Those at an account's events are read one by one where a word is that of more than so many times as many people.
    pub times_here: usize,
    /// With at most so many different words that begin like one, each of them is asked for its newest people.
    pub few_words: usize,
    /// Everybody who has a word of so many people is read at once.
    pub some: usize,
    /// So many rows of a list are read before a word of more people is looked up: what many have soon turns up.
    pub walked: usize,
    /// A word of more people than this is never looked up.
    pub many: usize,
    /// So many rows are read for one page at the most: what is farther away comes with the next.
    pub most_walked: usize,
    /// So many registrations are compared for one page, where that is all that is done with them; a fifth of that first.
    pub most_compared: usize,
    /// So many people are asked for at a time.
    pub batch: usize,
    /// With at most so many people at an account's events, they are read at once.
    pub small_ground: usize,
    /// With at most so many events, each of them is asked for its newest people.
    pub few_events: usize,
    /// An account has a good part of all people at its events if they are one of so many.
    pub dense: i64,
}

impl Default for SearchLimits {
    fn default() -> Self {
        Self {
            few: 500,
            compared: 32_000,
            times_here: 10,
            few_words: 16,
            some: 8_000,
            walked: 2_000,
            many: 200_000,
            most_walked: 10_000,
            most_compared: 20_000,
            batch: 1_000,
            small_ground: 5_000,
            few_events: 16,
            dense: 16,
        }
    }
}
