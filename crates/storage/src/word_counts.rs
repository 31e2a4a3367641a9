//! How many people have words that begin alike, as they were counted lately. Searches choose their way by it.

use moka::sync::Cache;
use std::time::Duration;

/// Counts that are kept at the most.
const CAPACITY: u64 = 10_000;
/// So long a count is believed.
const KEPT: Duration = Duration::from_mins(1);

/// What was counted, shared by all who search. No answer depends on it, only how long it takes.
#[derive(Debug, Clone)]
pub(crate) struct WordCounts(Cache<String, Counted>);

/// It was counted up to a limit: one more than that stands for all that is beyond.
#[derive(Debug, Clone, Copy)]
struct Counted {
    people: usize,
    most: usize,
}

impl WordCounts {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(CAPACITY).time_to_live(KEPT).build())
    }

    /// How many there are, and `most` and one for all that is beyond, if that was found out lately.
    pub(crate) fn of(&self, beginning: &str, most: usize) -> Option<usize> {
        let counted = self.0.get(beginning)?;
        (counted.people <= counted.most || counted.most >= most).then(|| counted.people.min(most + 1))
    }

    /// Keeps what was counted up to a limit.
    pub(crate) fn keep(&self, beginning: &str, people: usize, most: usize) {
        self.0.insert(beginning.to_owned(), Counted { people, most });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_far_enough_is_known() {
        let counts = WordCounts::new();
        assert_eq!(counts.of("an", 500), None);
        counts.keep("an", 501, 500);
        assert_eq!(counts.of("an", 500), Some(501));
        assert_eq!(counts.of("an", 100), Some(101));
        assert_eq!(
            counts.of("an", 8_000),
            None,
            "nobody knows how many more there are"
        );
        counts.keep("an", 700, 8_000);
        assert_eq!(counts.of("an", 200_000), Some(700));
        assert_eq!(counts.of("an", 500), Some(501));
    }
}
