//! The clock and the ids that tests give to operations.

use chrono::Duration;
use kernel::{Actor, Clock, TypedId, UserId};
use testkit::{TestClock, ids};

#[test]
fn the_clock_stands_until_it_is_moved() {
    let clock = TestClock::new();
    let other_hand = clock.clone();
    let start = clock.now();
    assert_eq!(start.to_rfc3339(), "2030-01-15T09:00:00+00:00");
    other_hand.advance(Duration::hours(25));
    assert_eq!(clock.now() - start, Duration::hours(25));
    clock.set(start);
    assert_eq!(other_hand.now(), start);
    clock.advance(Duration::nanoseconds(1_500));
    assert_eq!(
        clock.now() - start,
        Duration::microseconds(1),
        "databases keep microseconds"
    );
}

#[test]
fn a_context_carries_time_and_ids() {
    let (clock, source) = (TestClock::new(), ids::source());
    let context = ids::context(&clock, Actor::System, &source);
    let (first, second): (UserId, UserId) = (context.new_id(), context.new_id());
    assert!(first < second);
    assert_eq!(first.uuid().get_version_num(), 7);
    assert_eq!(context.now, clock.now());
}
