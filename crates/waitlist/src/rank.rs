//! Ranks: the order of a queue, with room between neighbours.

/// The distance between two people who join one after the other: twenty moves fit into the same gap before those behind
/// it are spread.
pub const RANK_STEP: i64 = 1 << 20;

/// A rank between two neighbours; none when there is no room left. A missing neighbour is an end of the queue, but the
/// end behind is the event's counter's: ask it there instead.
pub fn rank_between(before: Option<i64>, after: i64) -> Option<i64> {
    match before {
        None => after.checked_sub(RANK_STEP),
        Some(before) if after - before >= 2 => Some(before + (after - before) / 2),
        Some(_) => None,
    }
}

/// What spreading leaves between two neighbours at the least: ten moves fit in before it is done again.
const SPREAD: i64 = 1 << 10;

/// Room that was made in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room<K> {
    /// The rank for the one who comes.
    pub rank: i64,
    /// Those right behind, in order, with their new ranks.
    pub moved: Vec<(K, i64)>,
    /// How many ranks of the event's counter that takes.
    pub used: i64,
}

/// Makes room behind `before`: spreads evenly the fewest of those right behind that lie wide enough (2, 4, 8, …), so that
/// the rest of the queue stays as it is. Only where that reaches the end of the queue they get ranks of the counter.
/// `behind` gives the first so many of them, in order.
pub fn make_room<K, E>(
    before: Option<i64>,
    next_rank: i64,
    mut behind: impl FnMut(u32) -> Result<Vec<(K, i64)>, E>,
) -> Result<Room<K>, E> {
    let before = before.unwrap_or(i64::MIN);
    let mut window = 2;
    loop {
        // One more than are moved: it bounds the room.
        let mut near = behind(window + 1)?;
        let end = near.get(window as usize).map(|(_, rank)| *rank);
        let Some(end) = end else {
            return Ok(spread(next_rank, RANK_STEP, true, near));
        };
        let gap = end.saturating_sub(before) / (i64::from(window) + 2);
        if gap >= SPREAD {
            near.pop();
            return Ok(spread(before + gap, gap, false, near));
        }
        window *= 2;
    }
}

fn spread<K>(rank: i64, gap: i64, is_of_counter: bool, people: Vec<(K, i64)>) -> Room<K> {
    let moved: Vec<_> = (1..)
        .zip(people)
        .map(|(place, (key, _))| (key, rank + place * gap))
        .collect();
    let many = i64::try_from(moved.len()).unwrap_or(i64::MAX);
    Room {
        rank,
        used: if is_of_counter { (many + 1) * gap } else { 0 },
        moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_between_lies_strictly_between() {
        assert_eq!(rank_between(Some(10), 12), Some(11));
        assert_eq!(rank_between(Some(10), 11), None);
        assert!(rank_between(None, 5).unwrap() < 5);
    }

    #[test]
    fn twenty_moves_to_the_same_place_find_room() {
        let mut after = RANK_STEP;
        for _ in 0..20 {
            after = rank_between(Some(0), after).unwrap();
        }
        assert_eq!(rank_between(Some(0), after), None);
    }

    /// A queue of people with their ranks, in order, and its counter.
    struct Queue {
        people: Vec<(usize, i64)>,
        next_rank: i64,
    }

    impl Queue {
        fn of(length: usize) -> Self {
            let people: Vec<_> = (0..length).zip((0..).map(|place| place * RANK_STEP)).collect();
            Self {
                next_rank: people.last().map_or(0, |(_, rank)| rank + RANK_STEP),
                people,
            }
        }

        /// Moves somebody between two others; gives how many others got a new rank.
        fn move_between(&mut self, from: usize, to: usize) -> usize {
            let (who, _) = self.people.remove(from);
            let (before, after) = (self.people[to - 1].1, self.people[to].1);
            let mut moved = 0;
            let rank = rank_between(Some(before), after).unwrap_or_else(|| {
                let room = make_room(Some(before), self.next_rank, |count| {
                    let behind = self.people[to..].iter().copied().take(count as usize);
                    Ok::<_, std::convert::Infallible>(behind.collect())
                });
                let room = room.unwrap();
                self.next_rank += room.used;
                moved = room.moved.len();
                self.people.splice(to..to + moved, room.moved);
                room.rank
            });
            self.people.insert(to, (who, rank));
            moved
        }
    }

    #[test]
    fn five_thousand_moves_to_one_place_keep_the_order_and_touch_few_others() {
        for length in [3, 6, 40, 1_000] {
            let mut queue = Queue::of(length);
            let mut expected: Vec<_> = (0..length).collect();
            let mut touched = 0;
            for _ in 0..5_000 {
                touched += queue.move_between(length - 1, 1);
                let last = expected.remove(length - 1);
                expected.insert(1, last);
                assert!(queue.people.iter().map(|(who, _)| who).eq(&expected));
                assert!(queue.people.is_sorted_by(|a, b| a.1 < b.1));
                assert!(queue.people[length - 1].1 < queue.next_rank);
            }
            assert!(queue.next_rank < 1 << 44, "{length}: {}", queue.next_rank);
            assert!(touched < 5_000 * 12, "{length}: {touched}");
        }
    }
}
