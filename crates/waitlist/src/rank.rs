//! Ranks: the order of a queue, with room between neighbours.

/// The distance between two people who join one after the other: twenty moves fit into the same gap before the
/// queue is numbered anew.
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
}
