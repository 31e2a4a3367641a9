//! Events: their fields, their seats, their place, their lists.

use crate::rows::{Rows, long, now};
use chrono::TimeDelta;
use event::{
    Event, EventDetails, EventFilter, EventFormat, EventRepository, EventSort, EventStatus, SeatChange,
    Visibility,
};
use kernel::{Money, PageRequest, StoreError};
use testkit::{TestDatabase, on_both_databases};

on_both_databases! {
    an_event_is_read_back_with_every_field_and_with_none,
    an_edit_writes_every_field_and_leaves_the_seats,
    seats_stay_from_none_to_the_capacity,
    a_place_and_date_have_one_published_event,
    pages_go_on_where_they_ended_among_equal_values,
    filters_find_what_they_name,
    events_that_ended_are_completed_once,
}

fn full(rows: &Rows, organizer: &user::User) -> Event {
    let event = rows.event(organizer);
    let start = event.details.starts_at + TimeDelta::microseconds(123_456);
    Event {
        details: EventDetails {
            title: long(200),
            description: Some(long(20_000)),
            agenda: Some(long(20_000)),
            format: EventFormat::Hybrid,
            location: Some(long(300)),
            stream_url: Some(format!("https://example.org/{}", "s".repeat(1_900))),
            starts_at: start,
            capacity: 1_000_000,
            fee: Some(Money::new(130_000, "INR").expect("an amount")),
            registration_opens_at: Some(now()),
            registration_closes_at: Some(start - TimeDelta::hours(3)),
            voting_opens_at: Some(now() - TimeDelta::days(1)),
            voting_closes_at: Some(start),
            waitlist_enabled: false,
            live_results: true,
            refund_until_hours: 8_760,
            ..event.details.clone()
        },
        published_at: Some(now() + TimeDelta::seconds(1)),
        ..event
    }
}

async fn an_event_is_read_back_with_every_field_and_with_none(database: TestDatabase) {
    let rows = Rows::over(&database);
    let organizer = rows.saved_user().await;
    let mut online = rows.event(&organizer);
    online.details.format = EventFormat::Virtual;
    online.details.location = None;
    for event in [full(&rows, &organizer), rows.event(&organizer), online] {
        let row = event.clone();
        rows.write(move |tx| tx.insert_event(&row)).await;
        let id = event.id;
        let read = rows
            .write(move |tx| Ok((tx.find_event(id)?, tx.lock_event(id)?, tx.lock_event_seats(id)?)))
            .await;
        assert_eq!(
            read,
            (Some(event.clone()), Some(event.clone()), Some(event.seats()))
        );
    }
}

async fn an_edit_writes_every_field_and_leaves_the_seats(database: TestDatabase) {
    let rows = Rows::over(&database);
    let before = rows.saved_event().await;
    let organizer = rows.saved_user().await;
    let mut seats = before.seats();
    rows.write(move |tx| {
        let change = SeatChange {
            taken: 2,
            waiting: 1,
            ranks: 7,
        };
        tx.change_seats(&mut seats.clone(), change)
    })
    .await;
    seats = before.seats();
    let edited = full(&rows, &organizer);
    let after = Event {
        id: before.id,
        organizer: before.organizer.clone(),
        status: EventStatus::Published,
        details: edited.details,
        edit_version: 9,
        published_at: edited.published_at,
        updated_at: now() + TimeDelta::hours(1),
        ..before.clone()
    };
    let row = after.clone();
    rows.write(move |tx| tx.update_event(&row)).await;
    let id = before.id;
    let read = rows.read(move |tx| tx.find_event(id)).await;
    let expected = Event {
        seats_taken: 2,
        waitlist_length: 1,
        next_rank: seats.next_rank + 7,
        seats_version: 2,
        ..after
    };
    assert_eq!(read, Some(expected));
}

async fn seats_stay_from_none_to_the_capacity(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let seats = event.seats();
    let change = |taken| SeatChange {
        taken,
        ..SeatChange::default()
    };
    for (by, fits) in [
        (10, true),
        (1, false),
        (-11, false),
        (-10, true),
        (-1, false),
        (11, false),
    ] {
        let seats = seats.clone();
        let changed = rows
            .store
            .write(move |tx| {
                let mut seats = seats.clone();
                tx.change_seats(&mut seats, change(by))
            })
            .await;
        assert_eq!(changed.is_ok(), fits, "by {by}: {changed:?}");
    }
    let id = event.id;
    let left = rows.read(move |tx| tx.find_event(id)).await.expect("it");
    assert_eq!((left.seats_taken, left.seats_version), (0, 3));
    // The schema keeps the bounds too, whatever a statement says.
    let broken = database
        .connect()
        .execute_batch("UPDATE events SET seats_taken = capacity + 1");
    assert!(broken.is_err());
}

async fn a_place_and_date_have_one_published_event(database: TestDatabase) {
    let rows = Rows::over(&database);
    let organizer = rows.saved_user().await;
    let first = rows.event(&organizer);
    let mut second = rows.event(&organizer);
    second.details.location = first
        .details
        .location
        .as_ref()
        .map(|place| format!(" {} ", place.to_uppercase()));
    let drafts = (first.clone(), second.clone());
    rows.write(move |tx| {
        tx.insert_event(&drafts.0)?;
        tx.insert_event(&drafts.1)
    })
    .await;
    let key = first.details.place_key().expect("a place");
    let (date, except) = (first.local_date(), second.id);
    let free = key.clone();
    assert_eq!(
        rows.read(move |tx| tx.find_event_at(&free, date, except)).await,
        None,
        "drafts occupy nothing"
    );
    let published = |event: &Event| Event {
        status: EventStatus::Published,
        ..event.clone()
    };
    let (one, other) = (published(&first), published(&second));
    rows.write(move |tx| tx.update_event(&one)).await;
    let taken = rows.read(move |tx| tx.find_event_at(&key, date, except)).await;
    assert_eq!(taken, Some(first.id));
    let refused = rows.store.write(move |tx| tx.update_event(&other)).await;
    assert!(matches!(refused, Err(StoreError::Duplicate(_))), "{refused:?}");
}

fn all() -> EventFilter {
    EventFilter {
        visibility: Visibility::All,
        run_by: None,
        text: None,
        from: None,
        to: None,
        location: None,
        format: None,
        status: None,
        organizer_id: None,
        has_seats: None,
        sort: EventSort::StartsAt,
        now: now(),
    }
}

async fn pages_go_on_where_they_ended_among_equal_values(database: TestDatabase) {
    let rows = Rows::over(&database);
    let organizer = rows.saved_user().await;
    // Seven at one time, and one on either side.
    let mut events: Vec<Event> = (0..9).map(|_| rows.event(&organizer)).collect();
    for (number, by) in [(0, -1), (8, 1)] {
        events[number].details.starts_at += TimeDelta::microseconds(by);
        events[number].created_at += TimeDelta::microseconds(by);
    }
    let written = events.clone();
    rows.write(move |tx| written.iter().rev().try_for_each(|event| tx.insert_event(event)))
        .await;
    let ascending: Vec<_> = events.iter().map(|event| event.id).collect();
    let descending: Vec<_> = ascending.iter().rev().copied().collect();
    for (sort, expected) in [
        (EventSort::StartsAt, &ascending),
        (EventSort::CreatedAt, &ascending),
        (EventSort::StartsAtDescending, &descending),
        (EventSort::CreatedAtDescending, &descending),
    ] {
        for limit in [1, 2, 4, 9] {
            let mut seen = Vec::new();
            let mut after = None;
            loop {
                let filter = EventFilter { sort, ..all() };
                let request = PageRequest {
                    limit,
                    after,
                    include_total: true,
                };
                let page = rows.read(move |tx| tx.list_events(&filter, request)).await;
                assert_eq!(page.total, Some(9));
                seen.extend(page.items.iter().map(|event| event.id));
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(&seen, expected, "{sort:?} by {limit}");
        }
    }
}

#[expect(clippy::too_many_lines, reason = "a table of filters and what each finds")]
async fn filters_find_what_they_name(database: TestDatabase) {
    let rows = Rows::over(&database);
    let organizer = rows.saved_user().await;
    let mut full_house = rows.event(&organizer);
    full_house.status = EventStatus::Published;
    full_house.details.title = "100% GRÖSSE_\\".into();
    full_house.details.capacity = 1;
    full_house.seats_taken = 1;
    let mut online = rows.event(&rows.saved_user().await);
    online.status = EventStatus::Published;
    online.details.format = EventFormat::Virtual;
    online.details.location = None;
    online.details.starts_at += TimeDelta::days(30);
    online.details.ends_at += TimeDelta::days(30);
    let draft = rows.event(&organizer);
    let written = [full_house.clone(), online.clone(), draft.clone()];
    rows.write(move |tx| written.iter().try_for_each(|event| tx.insert_event(event)))
        .await;
    let (house, web, sketch) = (full_house.id, online.id, draft.id);
    let cases = [
        (all(), vec![house, web, sketch]),
        (
            EventFilter {
                visibility: Visibility::Public,
                ..all()
            },
            vec![house, web],
        ),
        (
            EventFilter {
                visibility: Visibility::AndPrivateOf {
                    user_id: organizer.id,
                    organizes: true,
                },
                ..all()
            },
            vec![house, web, sketch],
        ),
        (
            EventFilter {
                visibility: Visibility::AndPrivateOf {
                    user_id: online.organizer.id,
                    organizes: true,
                },
                ..all()
            },
            vec![house, web],
        ),
        (
            EventFilter {
                text: Some("00% grösse_\\".into()),
                ..all()
            },
            vec![house],
        ),
        (
            EventFilter {
                text: Some("gr%sse".into()),
                ..all()
            },
            vec![],
        ),
        (
            EventFilter {
                location: Some("HALL".into()),
                ..all()
            },
            vec![house, sketch],
        ),
        (
            EventFilter {
                format: Some(EventFormat::Virtual),
                ..all()
            },
            vec![web],
        ),
        (
            EventFilter {
                status: Some(EventStatus::Draft),
                ..all()
            },
            vec![sketch],
        ),
        (
            EventFilter {
                organizer_id: Some(organizer.id),
                ..all()
            },
            vec![house, sketch],
        ),
        (
            EventFilter {
                from: Some(online.local_date()),
                ..all()
            },
            vec![web],
        ),
        (
            EventFilter {
                to: Some(full_house.local_date()),
                ..all()
            },
            vec![house, sketch],
        ),
        (
            EventFilter {
                has_seats: Some(true),
                visibility: Visibility::Public,
                ..all()
            },
            vec![web],
        ),
        (
            EventFilter {
                has_seats: Some(false),
                visibility: Visibility::Public,
                ..all()
            },
            vec![house],
        ),
    ];
    for (filter, mut expected) in cases {
        let asked = filter.clone();
        let page = rows
            .read(move |tx| tx.list_events(&asked, PageRequest::first()))
            .await;
        let mut found: Vec<_> = page.items.iter().map(|event| event.id).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{filter:?}");
    }
}

async fn events_that_ended_are_completed_once(database: TestDatabase) {
    let rows = Rows::over(&database);
    let mut event = rows.event(&rows.saved_user().await);
    event.status = EventStatus::Published;
    let (row, end) = (event.clone(), event.details.ends_at);
    rows.write(move |tx| tx.insert_event(&row)).await;
    let early = end - TimeDelta::microseconds(1);
    assert_eq!(rows.write(move |tx| tx.complete_events(early)).await, 0);
    assert_eq!(rows.write(move |tx| tx.complete_events(end)).await, 1);
    assert_eq!(rows.write(move |tx| tx.complete_events(end)).await, 0);
    let id = event.id;
    let read = rows.read(move |tx| tx.find_event(id)).await.expect("it");
    assert_eq!(read.status, EventStatus::Completed);
}
