//! Users and attendees.

use crate::rows::{Rows, long, now};
use chrono::TimeDelta;
use kernel::{EmailAddress, StoreError};
use testkit::{Kind, TestDatabase, on_both_databases};
use user::{AttendeeRepository, NewUser, Preferences, User, UserRepository, UserStatus};

on_both_databases! {
    a_user_is_read_back_with_every_field_and_with_none,
    an_address_has_one_user_whatever_its_case,
    a_profile_is_changed_with_the_name_of_the_attendee,
    only_roles_that_exist_are_named,
    an_attendee_is_read_back_and_linked,
    a_second_attendee_of_an_address_is_contention,
    a_new_address_is_the_linked_attendees_too,
    an_address_that_was_taken_meanwhile_is_contention,
    an_attendee_of_an_account_that_was_changed_meanwhile_is_contention,
    an_attendee_that_is_referred_to_stays,
    an_attendee_is_known_at_the_events_that_it_takes_part_in,
}

fn full(rows: &Rows) -> NewUser {
    let mut new = rows.user();
    new.password_hash = Some("$2b$04$hash".into());
    new.user = User {
        name: long(200).parse().expect("a name"),
        phone: Some("+911234567890".parse().expect("a number")),
        phone_verified_at: Some(now() + TimeDelta::microseconds(2)),
        profession: Some(long(200)),
        bio: Some(long(5_000)),
        avatar_url: Some(format!("https://example.org/{}", "a".repeat(1_900))),
        time_zone: Some("Asia/Kolkata".parse().expect("a zone")),
        listed: true,
        status: UserStatus::Suspended,
        roles: vec!["admin".into(), "attendee".into(), "organizer".into()],
        email_verified_at: Some(now() + TimeDelta::microseconds(1)),
        last_login_at: Some(now() + TimeDelta::microseconds(999_999)),
        preferences: Preferences {
            email_reminders: false,
            text_messages: true,
            campaign_mail: true,
        },
        ..new.user
    };
    new
}

async fn a_user_is_read_back_with_every_field_and_with_none(database: TestDatabase) {
    let rows = Rows::over(&database);
    for new in [full(&rows), rows.user()] {
        let (row, user) = (new.clone(), new.user);
        rows.write(move |tx| tx.insert_user(&row)).await;
        let (id, key) = (user.id, user.email.key().to_owned());
        let by_id = rows.read(move |tx| tx.find_user(id)).await;
        let by_email = rows.read(move |tx| tx.find_user_by_email(&key)).await;
        assert_eq!(by_id.as_ref(), Some(&user));
        assert_eq!(by_email, Some(user));
    }
    let nobody = rows.id();
    assert_eq!(rows.read(move |tx| tx.find_user(nobody)).await, None);
}

async fn an_address_has_one_user_whatever_its_case(database: TestDatabase) {
    let rows = Rows::over(&database);
    let first = rows.saved_user().await;
    let mut second = rows.user();
    let shouted: EmailAddress = first.email.as_str().to_uppercase().parse().expect("an address");
    second.user.email = shouted;
    let refused = rows.store.write(move |tx| tx.insert_user(&second)).await;
    assert!(matches!(refused, Err(StoreError::Duplicate(_))), "{refused:?}");
    assert_eq!(rows.count("users").await, 1);
}

async fn a_profile_is_changed_with_the_name_of_the_attendee(database: TestDatabase) {
    let rows = Rows::over(&database);
    let before = rows.saved_user().await;
    let attendee = rows.attendee_of(&before);
    rows.saved(&attendee).await;
    let filled = full(&rows).user;
    let after = User {
        id: before.id,
        email: before.email.clone(),
        status: before.status,
        roles: before.roles.clone(),
        email_verified_at: None,
        last_login_at: None,
        // Reminders are no matter of the profile.
        preferences: Preferences {
            text_messages: true,
            ..before.preferences
        },
        updated_at: now() + TimeDelta::hours(1),
        ..filled
    };
    // Back to nothing after that: what was set can be cleared.
    for user in [after, before] {
        let row = user.clone();
        rows.write(move |tx| tx.update_profile(&row)).await;
        let (id, attendee) = (user.id, attendee.id);
        let (read, known) = rows
            .read(move |tx| Ok((tx.find_user(id)?, tx.find_attendee(attendee)?)))
            .await;
        assert_eq!(known.expect("the attendee").name, user.name);
        assert_eq!(read, Some(user));
    }
}

async fn only_roles_that_exist_are_named(database: TestDatabase) {
    let rows = Rows::over(&database);
    let names = ["admin", "emperor", "attendee"].map(str::to_owned);
    let mut found = rows.read(move |tx| tx.existing_roles(&names)).await;
    found.sort();
    assert_eq!(found, ["admin", "attendee"]);
}

async fn an_attendee_is_read_back_and_linked(database: TestDatabase) {
    let rows = Rows::over(&database);
    let user = rows.saved_user().await;
    let mut attendee = rows.attendee();
    attendee.name = long(200).parse().expect("a name");
    attendee.email = user.email.as_str().to_uppercase().parse().expect("an address");
    attendee.phone = Some("+911234567890".parse().expect("a number"));
    attendee.created_by = Some(user.id);
    rows.saved(&attendee).await;
    let (id, key) = (attendee.id, user.email.key().to_owned());
    let found = rows
        .read(move |tx| Ok((tx.find_attendee(id)?, tx.find_attendee_by_email(&key)?)))
        .await;
    assert_eq!(found, (Some(attendee.clone()), Some(attendee.clone())));

    let account = user.account();
    rows.write(move |tx| tx.link_attendee(id, &account)).await;
    let linked = rows.read(move |tx| tx.find_attendee(id)).await.expect("it");
    assert_eq!(linked.user_id, Some(user.id));
    assert_eq!((linked.name, linked.email), (user.name, user.email));
    assert_eq!(linked.created_by, attendee.created_by);
}

/// Rows over a store that tries nothing again.
async fn a_new_address_is_the_linked_attendees_too(database: TestDatabase) {
    let rows = Rows::over(&database);
    let (user, other) = (rows.saved_user().await, rows.saved_user().await);
    rows.saved(&rows.attendee_of(&user)).await;
    rows.saved(&rows.attendee_of(&other)).await;
    let (id, at) = (user.id, now() + TimeDelta::hours(1));
    let email: EmailAddress = "New@example.org".parse().expect("an address");
    let new = email.clone();
    rows.write(move |tx| tx.set_email(id, &new, at)).await;
    let (changed, attendee) = rows
        .read(move |tx| Ok((tx.find_user(id)?, tx.find_attendee_of_user(id)?)))
        .await;
    let changed = changed.expect("the user");
    assert_eq!((&changed.email, changed.email_verified_at), (&email, Some(at)));
    assert_eq!(attendee.expect("the attendee").email, email);
    let found = rows.read(move |tx| tx.find_attendee_of_user(other.id)).await;
    assert_eq!(found.expect("the attendee").email, other.email);
    let nobody = rows.saved_user().await.id;
    assert_eq!(rows.read(move |tx| tx.find_attendee_of_user(nobody)).await, None);
    let locked = rows.write(move |tx| tx.lock_user(id)).await;
    assert_eq!(locked, Some(changed));
}

async fn an_address_that_was_taken_meanwhile_is_contention(database: TestDatabase) {
    let rows = Rows::impatient(&database);
    let (user, other) = (rows.saved_user().await, rows.saved_user().await);
    let guest = rows.attendee();
    rows.saved(&guest).await;
    rows.saved(&rows.attendee_of(&user)).await;
    for taken in [other.email, guest.email] {
        let refused = rows
            .store
            .write(move |tx| tx.set_email(user.id, &taken, now()))
            .await;
        assert!(matches!(refused, Err(StoreError::Contention(_))), "{refused:?}");
    }
    // An account has one attendee.
    let account = user.account();
    let refused = rows
        .store
        .write(move |tx| tx.link_attendee(guest.id, &account))
        .await;
    assert!(matches!(refused, Err(StoreError::Contention(_))), "{refused:?}");
}

async fn an_attendee_of_an_account_that_was_changed_meanwhile_is_contention(database: TestDatabase) {
    // On SQLite nothing changes between the reads and the writes of a transaction.
    if database.kind() == Kind::Sqlite {
        return;
    }
    let rows = Rows::impatient(&database);
    let now_so = rows.saved_user().await;
    let guest = rows.attendee();
    rows.saved(&guest).await;
    let renamed = User {
        name: "As before".parse().expect("a name"),
        ..now_so.clone()
    };
    let moved = User {
        email: "before@example.org".parse().expect("an address"),
        ..now_so
    };
    for before in [renamed, moved] {
        let stale = rows.attendee_of(&before);
        let made = rows.store.write(move |tx| tx.insert_attendee(&stale)).await;
        assert!(matches!(made, Err(StoreError::Contention(_))), "{made:?}");
        let account = before.account();
        let linked = rows
            .store
            .write(move |tx| tx.link_attendee(guest.id, &account))
            .await;
        assert!(matches!(linked, Err(StoreError::Contention(_))), "{linked:?}");
    }
}

async fn a_second_attendee_of_an_address_is_contention(database: TestDatabase) {
    let rows = Rows::impatient(&database);
    let first = rows.attendee();
    rows.saved(&first).await;
    let mut second = rows.attendee();
    second.email = first.email;
    let refused = rows.store.write(move |tx| tx.insert_attendee(&second)).await;
    assert!(matches!(refused, Err(StoreError::Contention(_))), "{refused:?}");
}

async fn an_attendee_that_is_referred_to_stays(database: TestDatabase) {
    use registration::RegistrationRepository;
    let rows = Rows::impatient(&database);
    let event = rows.saved_event().await;
    let attendee = rows.attendee();
    rows.saved(&attendee).await;
    let live = rows.registration(&event, &attendee);
    rows.write(move |tx| tx.insert_registrations(std::slice::from_ref(&live)))
        .await;
    let id = attendee.id;
    let refused = rows
        .store
        .write(move |tx| {
            // What is live is not taken away with what has ended.
            tx.delete_taking_part_of(id)?;
            tx.delete_attendee(id)
        })
        .await;
    assert!(matches!(refused, Err(StoreError::Contention(_))), "{refused:?}");
    assert_eq!(rows.count("registrations").await, 1);
}

async fn an_attendee_is_known_at_the_events_that_it_takes_part_in(database: TestDatabase) {
    use registration::RegistrationRepository;
    use waitlist::WaitlistRepository;
    let rows = Rows::over(&database);
    let (seat, queue, other) = (
        rows.saved_event().await,
        rows.saved_event().await,
        rows.saved_event().await,
    );
    let attendee = rows.attendee();
    rows.saved(&attendee).await;
    let (registration, entry) = (
        rows.registration(&seat, &attendee),
        rows.entry(&queue, &attendee, 1),
    );
    let id = attendee.id;
    let organizers = [seat.organizer.id, queue.organizer.id, other.organizer.id];
    rows.write(move |tx| tx.insert_registrations(std::slice::from_ref(&registration)))
        .await;
    let runner = |user_id| user::EventRunner {
        user_id,
        organizes: true,
    };
    let organizer = runner(seat.organizer.id);
    assert!(
        !rows
            .read(move |tx| tx.attendee_is_at_events_of_others(id, organizer))
            .await
    );
    rows.write(move |tx| tx.insert_waitlist_entry(&entry)).await;
    let runners = organizers.map(runner);
    let known = rows
        .read(move |tx| {
            runners
                .iter()
                .map(|organizer| {
                    Ok((
                        tx.attendee_is_at_events_of(id, *organizer)?,
                        tx.attendee_is_at_events_of_others(id, *organizer)?,
                    ))
                })
                .collect::<Result<Vec<_>, StoreError>>()
        })
        .await;
    assert_eq!(known, [(true, true), (true, true), (false, true)]);
}
