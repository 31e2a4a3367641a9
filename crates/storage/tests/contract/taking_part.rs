//! Registrations, waitlists, and how a person stands with an event.

use crate::rows::{Rows, long, now};
use chrono::TimeDelta;
use kernel::{AttendeeId, PageRequest, StoreError};
use registration::{
    CheckInRepository, Registration, RegistrationFilter, RegistrationRepository, RegistrationStatus,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use storage::Tx;
use testkit::{TestDatabase, on_both_databases};
use waitlist::{EntryLogLine, EntryStatus, LogAction, WaitlistRepository};

on_both_databases! {
    a_registration_is_read_back_in_every_status,
    an_attendee_has_one_live_registration_and_one_live_entry_at_an_event,
    a_row_of_an_attendee_who_went_is_tried_again,
    only_what_is_live_is_ended,
    a_registration_that_changed_since_it_was_read_is_neither_attended_nor_ended,
    what_is_live_is_given_away_at_locked_events_alone,
    a_person_stands_with_an_event_as_the_rows_say,
    the_queue_is_read_in_the_order_of_its_ranks,
    a_rank_is_given_once,
    an_entry_has_its_log_in_order,
    registrations_are_listed_page_by_page_among_equal_times,
}

async fn a_registration_is_read_back_in_every_status(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    for status in RegistrationStatus::ALL {
        let attendee = rows.attendee();
        rows.saved(&attendee).await;
        let registration = Registration {
            status,
            registered_by: Some(event.organizer.id),
            checked_in_at: (status == RegistrationStatus::Attended).then(now),
            hold_expires_at: (status == RegistrationStatus::PendingPayment)
                .then(|| now() + TimeDelta::microseconds(1)),
            ..rows.registration(&event, &attendee)
        };
        let (row, id) = (registration.clone(), registration.id);
        rows.write(move |tx| tx.insert_registrations(std::slice::from_ref(&row)))
            .await;
        let (read, view) = rows
            .read(move |tx| Ok((tx.find_registration(id)?, tx.find_registration_view(id)?)))
            .await;
        assert_eq!(read.as_ref(), Some(&registration));
        let view = view.expect("it");
        assert_eq!(view.registration, registration);
        assert_eq!(view.attendee_email, attendee.email.as_str());
        assert_eq!(view.organizer_id, event.organizer.id);
    }
    let id = event.id;
    let holders = rows.read(move |tx| tx.list_seat_holders(id)).await;
    assert!(holders.iter().all(|holder| holder.registration.status.is_live()));
    assert_eq!(holders.len(), 3);
}

async fn an_attendee_has_one_live_registration_and_one_live_entry_at_an_event(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let attendee = rows.attendee();
    rows.saved(&attendee).await;
    let twice = [
        rows.registration(&event, &attendee),
        rows.registration(&event, &attendee),
    ];
    let refused = rows.store.write(move |tx| tx.insert_registrations(&twice)).await;
    assert!(matches!(refused, Err(StoreError::Duplicate(_))), "{refused:?}");
    let mut ended = rows.registration(&event, &attendee);
    ended.status = RegistrationStatus::Cancelled;
    let anew = [ended, rows.registration(&event, &attendee)];
    rows.write(move |tx| tx.insert_registrations(&anew)).await;
    let entries = [rows.entry(&event, &attendee, 1), rows.entry(&event, &attendee, 2)];
    let refused = rows
        .store
        .write(move |tx| {
            entries
                .iter()
                .try_for_each(|entry| tx.insert_waitlist_entry(entry))
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Duplicate(_))), "{refused:?}");
}

async fn a_row_of_an_attendee_who_went_is_tried_again(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let gone = rows.attendee();
    let one = vec![rows.registration(&event, &gone)];
    let two = vec![
        rows.registration(&event, &gone),
        rows.registration(&event, &rows.attendee()),
    ];
    for registrations in [one, two] {
        let tries = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&tries);
        rows.write(move |tx| match counted.fetch_add(1, Ordering::Relaxed) {
            0 => {
                let refused = tx.insert_registrations(&registrations);
                assert!(matches!(refused, Err(StoreError::Contention(_))), "{refused:?}");
                refused
            }
            _ => Ok(()),
        })
        .await;
        assert_eq!(tries.load(Ordering::Relaxed), 2);
    }
}

async fn only_what_is_live_is_ended(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let attendee = rows.attendee();
    rows.saved(&attendee).await;
    let (seat, place) = (
        rows.registration(&event, &attendee),
        rows.entry(&event, &attendee, 1),
    );
    let (seat_id, place_id) = (seat.id, place.id);
    rows.write(move |tx| {
        tx.insert_registrations(std::slice::from_ref(&seat))?;
        tx.insert_waitlist_entry(&place)
    })
    .await;
    for ended in [1, 0] {
        let counts = rows
            .write(move |tx| {
                Ok((
                    tx.end_registrations(&[seat_id], RegistrationStatus::Cancelled, now())?,
                    tx.end_waitlist_entries(&[place_id], EntryStatus::Left, now())?,
                ))
            })
            .await;
        assert_eq!(counts, (ended, ended));
    }
    let nothing = rows
        .write(move |tx| tx.end_registrations(&[], RegistrationStatus::Cancelled, now()))
        .await;
    assert_eq!(nothing, 0);
}

async fn a_registration_that_changed_since_it_was_read_is_neither_attended_nor_ended(database: TestDatabase) {
    type Write = fn(&mut Tx<'_>, &Registration, AttendeeId) -> Result<(), StoreError>;
    let mark: Write = |tx, read, _| tx.mark_attended(read, now(), None);
    let end: Write = |tx, read, _| tx.end_registration(read, RegistrationStatus::Cancelled, now());
    let give: Write = |tx, read, to| tx.give_taking_part(read.attendee_id, to, &[read.event_id]);
    let rows = Rows::impatient(&database);
    let event = rows.saved_event().await;
    for (what, meanwhile, late) in [
        ("attended after its end", end, mark),
        ("attended twice", mark, mark),
        ("attended by somebody else", give, mark),
        ("ended after attending", mark, end),
        ("ended twice", end, end),
    ] {
        let (attendee, other) = (rows.attendee(), rows.attendee());
        rows.saved(&attendee).await;
        rows.saved(&other).await;
        let read = rows.registration(&event, &attendee);
        let (id, row) = (read.id, read.clone());
        rows.write(move |tx| {
            tx.insert_registrations(std::slice::from_ref(&row))?;
            meanwhile(tx, &row, other.id)
        })
        .await;
        let before = rows.read(move |tx| tx.find_registration(id)).await;
        let refused = rows.store.write(move |tx| late(tx, &read, other.id)).await;
        assert!(
            matches!(refused, Err(StoreError::Contention(_))),
            "{what}: {refused:?}"
        );
        let after = rows.read(move |tx| tx.find_registration(id)).await;
        assert_eq!(before, after, "{what}");
    }
}

async fn what_is_live_is_given_away_at_locked_events_alone(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (locked, elsewhere) = (rows.saved_event().await, rows.saved_event().await);
    let (from, to) = (rows.attendee(), rows.attendee());
    rows.saved(&from).await;
    rows.saved(&to).await;
    let ended = Registration {
        status: RegistrationStatus::Cancelled,
        ..rows.registration(&elsewhere, &from)
    };
    let (given, stays) = (
        rows.registration(&locked, &from),
        rows.registration(&elsewhere, &from),
    );
    let (waits, waits_elsewhere) = (rows.entry(&locked, &from, 1), rows.entry(&elsewhere, &from, 1));
    let registrations = [ended.clone(), given.clone(), stays.clone()];
    let entries = [waits.clone(), waits_elsewhere.clone()];
    let (before, after, event) = (from.id, to.id, locked.id);
    rows.write(move |tx| {
        tx.insert_registrations(&registrations)?;
        for entry in &entries {
            tx.insert_waitlist_entry(entry)?;
        }
        tx.give_taking_part(before, after, &[event])
    })
    .await;
    for (registration, holder) in [(&ended, to.id), (&given, to.id), (&stays, from.id)] {
        let id = registration.id;
        let found = rows.read(move |tx| tx.find_registration(id)).await.expect("it");
        assert_eq!(found.attendee_id, holder);
    }
    for (entry, holder) in [(&waits, to.id), (&waits_elsewhere, from.id)] {
        let id = entry.id;
        let found = rows.read(move |tx| tx.find_waitlist_entry(id)).await.expect("it");
        assert_eq!(found.attendee_id, holder);
    }
}

async fn a_person_stands_with_an_event_as_the_rows_say(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (event, elsewhere) = (rows.saved_event().await, rows.saved_event().await);
    let (user, id) = (rows.saved_user().await, event.id);
    let user_id = user.id;
    let standing = || rows.read(move |tx| tx.find_standing_of_user(id, user_id));

    let stranger = rows.id();
    let none = rows.read(move |tx| tx.find_standing_of_user(id, stranger)).await;
    assert_eq!(none, None, "there is no such account");

    let newcomer = standing().await.expect("an account");
    assert_eq!(newcomer.account, Some(user.account()));
    assert_eq!(
        (newcomer.attendee, newcomer.registration, newcomer.entry),
        (None, None, None)
    );

    let mut attendee = rows.attendee();
    attendee.email = user.email.clone();
    rows.saved(&attendee).await;
    let noted = standing().await.expect("an account");
    assert_eq!(
        noted.attendee,
        Some(attendee.clone()),
        "noted by somebody, not linked"
    );

    // Neither what is at another event nor what has ended counts.
    let mut ended = rows.registration(&event, &attendee);
    ended.status = RegistrationStatus::Cancelled;
    let (other, account) = (rows.registration(&elsewhere, &attendee), user.account());
    let attendee_id = attendee.id;
    rows.write(move |tx| {
        user::AttendeeRepository::link_attendee(tx, attendee_id, &account)?;
        tx.insert_registrations(&[ended.clone(), other.clone()])
    })
    .await;
    let linked = standing().await.expect("an account");
    assert_eq!(
        linked.attendee.as_ref().and_then(|known| known.user_id),
        Some(user.id)
    );
    assert_eq!((linked.registration, linked.entry), (None, None));

    let entry = rows.entry(&event, &attendee, 5);
    let row = entry.clone();
    rows.write(move |tx| tx.insert_waitlist_entry(&row)).await;
    let waiting = standing().await.expect("an account");
    assert_eq!(waiting.entry, Some(entry.clone()));
    let live = rows.read(move |tx| tx.find_live_entry_of_user(id, user_id)).await;
    assert_eq!(live, Some(entry.clone()));

    let seat = rows.registration(&event, &attendee);
    let (row, entry_id) = (seat.clone(), entry.id);
    rows.write(move |tx| {
        tx.end_waitlist_entries(&[entry_id], EntryStatus::Promoted, now())?;
        tx.insert_registrations(std::slice::from_ref(&row))
    })
    .await;
    let holder = standing().await.expect("an account");
    assert_eq!(
        (holder.registration.as_ref(), holder.entry.as_ref()),
        (Some(&seat), None)
    );
    let by_attendee = rows
        .read(move |tx| tx.find_standing_of_attendee(id, attendee_id))
        .await
        .expect("an attendee");
    assert_eq!(by_attendee.account, None);
    assert_eq!(
        (by_attendee.attendee, by_attendee.registration, by_attendee.entry),
        (holder.attendee, holder.registration, holder.entry)
    );
}

async fn the_queue_is_read_in_the_order_of_its_ranks(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let id = event.id;
    let mut entries = Vec::new();
    for rank in [30, -20, 10, i64::MAX - 1, 20] {
        let attendee = rows.attendee();
        rows.saved(&attendee).await;
        entries.push(rows.entry(&event, &attendee, rank));
    }
    let written = entries.clone();
    rows.write(move |tx| {
        written
            .iter()
            .try_for_each(|entry| tx.insert_waitlist_entry(entry))
    })
    .await;
    entries.sort_by_key(|entry| entry.rank);
    let third = entries[2].id;
    let (all, two, ranks, position) = rows
        .read(move |tx| {
            Ok((
                tx.list_all_waiting(id)?,
                tx.first_waiting(id, 2)?,
                tx.waiting_ranks(id, third, 1, 2)?,
                tx.waitlist_position(id, 20)?,
            ))
        })
        .await;
    assert_eq!(
        all.iter().map(|person| &person.entry).collect::<Vec<_>>(),
        entries.iter().collect::<Vec<_>>()
    );
    assert_eq!(two, all[..2]);
    assert_eq!(position, 3);
    let others = [&entries[1], &entries[3]].map(|entry| (entry.id, entry.rank));
    assert_eq!(ranks, others);

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let request = PageRequest {
            limit: 2,
            after,
            include_total: true,
        };
        let page = rows.read(move |tx| tx.list_waiting(id, request)).await;
        assert_eq!(page.total, Some(5));
        seen.extend(page.items.iter().map(|place| (place.position, place.entry.id)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let expected: Vec<_> = (1..)
        .map(Some)
        .zip(entries.iter().map(|entry| entry.id))
        .collect();
    assert_eq!(seen, expected);
}

async fn a_rank_is_given_once(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let (first, second) = (rows.attendee(), rows.attendee());
    rows.saved(&first).await;
    rows.saved(&second).await;
    let entries = [rows.entry(&event, &first, 1), rows.entry(&event, &second, 2)];
    let id = entries[1].id;
    rows.write(move |tx| {
        entries
            .iter()
            .try_for_each(|entry| tx.insert_waitlist_entry(entry))
    })
    .await;
    let refused = rows
        .store
        .write(move |tx| tx.update_waitlist_ranks(&[(id, 1)]))
        .await;
    assert!(matches!(refused, Err(StoreError::Duplicate(_))), "{refused:?}");
    rows.write(move |tx| tx.update_waitlist_ranks(&[(id, 0)])).await;
    let event_id = event.id;
    let first = rows.read(move |tx| tx.first_waiting(event_id, 1)).await;
    assert_eq!(first[0].entry.id, id);
}

async fn an_entry_has_its_log_in_order(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let attendee = rows.attendee();
    rows.saved(&attendee).await;
    let entry = rows.entry(&event, &attendee, 1);
    let line = |action, reason| EntryLogLine {
        reason,
        ..EntryLogLine::of(&rows.acting(event.organizer.id), &entry, action, None)
    };
    // All of one instant: the order is that of their making.
    let lines = vec![
        EntryLogLine {
            actor_id: None,
            ..line(LogAction::Joined, None)
        },
        line(LogAction::Moved, Some(long(1_000))),
        line(LogAction::Removed, Some("'; DROP TABLE events; --".into())),
    ];
    let (row, written, id) = (entry.clone(), lines.clone(), entry.id);
    rows.write(move |tx| {
        tx.insert_waitlist_entry(&row)?;
        tx.log_waitlist(&written)
    })
    .await;
    let numbered: Vec<_> = lines
        .into_iter()
        .zip(1..)
        .map(|(line, number)| EntryLogLine {
            number: Some(number),
            ..line
        })
        .collect();
    assert_eq!(rows.read(move |tx| tx.list_waitlist_log(id)).await, numbered);
    // One line alone is numbered in the statement that writes it.
    let (more, id) = (line(LogAction::Moved, None), entry.id);
    rows.write(move |tx| tx.log_waitlist(std::slice::from_ref(&more)))
        .await;
    let read = rows.read(move |tx| tx.list_waitlist_log(id)).await;
    assert_eq!(read.last().and_then(|line| line.number), Some(4));
}

async fn registrations_are_listed_page_by_page_among_equal_times(database: TestDatabase) {
    let rows = Rows::over(&database);
    let event = rows.saved_event().await;
    let mut registrations = Vec::new();
    for _ in 0..5 {
        let attendee = rows.attendee();
        rows.saved(&attendee).await;
        registrations.push(rows.registration(&event, &attendee));
    }
    registrations[0].registered_at -= TimeDelta::microseconds(1);
    let written = registrations.clone();
    rows.write(move |tx| tx.insert_registrations(&written)).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let filter = RegistrationFilter {
            event_id: Some(event.id),
            status: Some(RegistrationStatus::Confirmed),
            words: Some(kernel::WordQuery::parse("q", "PER").expect("words")),
            ..RegistrationFilter::default()
        };
        let request = PageRequest {
            limit: 2,
            after,
            include_total: true,
        };
        let page = rows.read(move |tx| tx.list_registrations(&filter, request)).await;
        assert_eq!(page.total, Some(5));
        seen.extend(page.items.iter().map(|view| view.registration.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let newest_first: Vec<_> = registrations.iter().rev().map(|row| row.id).collect();
    assert_eq!(seen, newest_first);
}
