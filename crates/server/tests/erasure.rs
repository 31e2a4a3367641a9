//! Who may have an account erased, when it has to stay, and what happens when others act at the same moment.

use crate::support::{give_only, set_verified, sql};
use auth::{AuthRepository, OneTime, OneTimePurpose, OneTimeRepository, Session};
use chrono::TimeDelta;
use event::{EventRepository, StaffMember, StaffRepository, StaffRole};
use kernel::{Ctx, EventId, Permission, StoreError};
use serde_json::json;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use storage::Tx;
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, Kind, Person, TestDatabase, all_at_once, on_both_databases};
use user::{Attendee, AttendeeRepository, User, UserRepository};

on_both_databases! {
    oneself_is_erased_with_the_password_or_soon_after_signing_in,
    an_account_without_a_password_goes_by_a_recent_sign_in_alone,
    who_has_events_to_come_stays_until_they_are_over_or_called_off,
    an_admin_erases_whom_they_cover_and_nobody_else,
    the_last_admin_stays,
    of_two_admins_who_go_at_once_one_stays,
    who_registers_while_they_are_erased_leaves_no_seat_and_no_value,
    who_signs_in_or_changes_while_they_are_erased_leaves_nothing,
    of_many_who_erase_one_account_at_once_one_does,
    what_was_read_before_an_erasure_is_not_written_after_it,
}

/// Says that something was read, and waits until what was read may be written.
type Pause = Arc<Mutex<Option<(Sender<()>, Receiver<()>)>>>;

fn erase(client: &Client, person: &Person) -> testkit::http::Request {
    client.delete(&format!("/admin/users/{}", person.id))
}

async fn oneself_is_erased_with_the_password_or_soon_after_signing_in(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("person").await;
    let go = |body| person.client.delete("/users/me").json(body);
    harness
        .client()
        .delete("/users/me")
        .await
        .expect(401)
        .problem("unauthenticated");
    // A password that came has to fit, however young the sign-in is.
    for wrong in ["another password", "", " a password for tests"] {
        go(json!({"password": wrong}))
            .await
            .expect(403)
            .problem("wrong-password");
    }
    harness.clock().advance(TimeDelta::minutes(10));
    for body in [json!({}), json!({"password": null})] {
        go(body).await.expect(403).problem("recent-sign-in-needed");
    }
    person
        .client
        .delete("/users/me")
        .await
        .expect(403)
        .problem("recent-sign-in-needed");
    person.client.get("/users/me").await.expect(200);
    go(json!({"password": PASSWORD})).await.expect(204);
    person
        .client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");

    let soon = harness.attendee("soon").await;
    harness
        .clock()
        .advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    soon.client.delete("/users/me").await.expect(204);
    harness.assert_invariants().await;
}

async fn an_account_without_a_password_goes_by_a_recent_sign_in_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let person = harness.attendee("person").await;
    sql(
        &harness,
        &format!("UPDATE users SET password_hash = NULL WHERE id = '{}'", person.id),
    );
    let with_password = person
        .client
        .delete("/users/me")
        .json(json!({"password": PASSWORD}));
    with_password.await.expect(403).problem("wrong-password");
    person.client.delete("/users/me").await.expect(204);
}

async fn who_has_events_to_come_stays_until_they_are_over_or_called_off(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await;
    let organizer = harness.organizer().await;
    let draft = organizer
        .client
        .post("/events")
        .json(harness.event_fields(1))
        .await
        .expect(201);
    let stays = async || {
        let own = organizer.client.delete("/users/me");
        own.await.expect(409).problem("owns-upcoming-events");
        erase(&admin.client, &organizer)
            .await
            .expect(409)
            .problem("owns-upcoming-events");
    };
    stays().await;
    let path = format!("/events/{}", draft.text_at("/id"));
    organizer
        .client
        .post(&format!("{path}/publish"))
        .await
        .expect(200);
    let holder = harness.attendee("holder").await;
    let (registration, _) = harness
        .registered(&holder, draft.text_at("/id").parse().expect("an id"))
        .await;
    stays().await;
    // A refusal changes nothing.
    organizer.client.get("/users/me").await.expect(200);
    holder
        .client
        .get(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    organizer.client.post(&format!("{path}/cancel")).await.expect(200);
    organizer.client.delete("/users/me").await.expect(204);
    let shown = harness.client().get(&path).await.expect(200);
    assert_eq!(shown.text_at("/organizer/name"), "Erased");
    harness.assert_invariants().await;
}

async fn an_admin_erases_whom_they_cover_and_nobody_else(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await;
    let (person, organizer) = (harness.attendee("person").await, harness.organizer().await);
    let [clerk, colleague] = harness
        .crowd(2)
        .await
        .try_into()
        .unwrap_or_else(|_| panic!("two"));
    give_only(&harness, &clerk, Permission::UserManage);
    sql(
        &harness,
        &format!(
            "DELETE FROM user_roles WHERE user_id = '{0}'; \
             INSERT INTO user_roles (user_id, role_name) SELECT '{0}', role_name FROM user_roles WHERE user_id = '{1}'",
            colleague.id, clerk.id
        ),
    );
    erase(&organizer.client, &person)
        .await
        .expect(403)
        .problem("forbidden");
    for beyond in [&admin, &organizer] {
        erase(&clerk.client, beyond)
            .await
            .expect(403)
            .problem("beyond-own-permissions");
    }
    erase(&clerk.client, &person).await.expect(204);
    erase(&clerk.client, &person)
        .await
        .expect(404)
        .problem("not-found");
    erase(&clerk.client, &colleague).await.expect(204);
    person
        .client
        .get("/users/me")
        .await
        .expect(401)
        .problem("session-ended");
    let noted = format!(
        "audit_log WHERE action = 'user.erase' AND object_type = 'user' AND object_id = '{}' AND actor_id = '{}'",
        person.id, clerk.id
    );
    assert_eq!(harness.count(&noted).await, 1);
    erase(&admin.client, &organizer).await.expect(204);

    // On this way, too, who comes with an old session shows who they are first.
    harness.clock().advance(TimeDelta::minutes(10));
    erase(&clerk.client, &clerk)
        .await
        .expect(403)
        .problem("recent-sign-in-needed");
    let clerk = Person {
        client: harness.log_in(&clerk.email).await.client,
        ..clerk
    };
    erase(&clerk.client, &clerk).await.expect(204);
    harness.assert_invariants().await;
}

async fn the_last_admin_stays(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await;
    let go = || admin.client.delete("/users/me");
    go().await.expect(409).problem("last-admin");
    erase(&admin.client, &admin)
        .await
        .expect(409)
        .problem("last-admin");
    let other = harness.admin().await;
    crate::support::suspend(&harness, &other);
    go().await.expect(409).problem("last-admin");
    // One who may not be used is not the last.
    erase(&admin.client, &other).await.expect(204);
    go().await.expect(409).problem("last-admin");
    harness.admin().await;
    go().await.expect(204);
    harness.assert_invariants().await;
}

async fn of_two_admins_who_go_at_once_one_stays(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let mut stayed = harness.admin().await;
    for round in 0..6 {
        let pair = [stayed.clone(), harness.admin().await];
        let answers = all_at_once(2, |index| {
            let request = if round % 2 == 0 {
                erase(&pair[index].client, &pair[1 - index])
            } else {
                pair[index].client.delete("/users/me")
            };
            async move { request.await }
        })
        .await;
        let gone = answers.iter().filter(|answer| answer.status() == 204).count();
        assert_eq!(gone, 1, "{answers:?}");
        let active = "users u JOIN user_roles r ON r.user_id = u.id WHERE r.role_name = 'admin' AND u.status = 'active'";
        assert_eq!(harness.count(active).await, 1);
        for person in pair {
            if person.client.get("/users/me").await.status() == 200 {
                stayed = person;
            }
        }
    }
    harness.assert_invariants().await;
}

/// Fails if one of these words stands anywhere.
fn assert_nowhere(harness: &Harness, words: &[&str]) {
    for cell in harness.database().every_cell() {
        let text = cell.text.to_lowercase();
        for word in words {
            assert!(
                !text.contains(word),
                "{word} stands in {}: {}",
                cell.place,
                cell.text
            );
        }
    }
}

fn assert_none_failed(answers: &[Answer]) {
    for answer in answers {
        assert!(answer.status() < 500, "{answer}");
    }
}

async fn who_registers_while_they_are_erased_leaves_no_seat_and_no_value(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    for round in 0..8 {
        let person = harness.attendee("unverwechselbar").await;
        let events = [
            harness.published_event(&organizer, 1).await,
            harness.published_event(&organizer, 1).await,
            harness.published_event(&organizer, 1).await,
        ];
        harness.registered(&organizer, events[2]).await;
        // Odd rounds: the attendee is there already, and is known to the manager.
        let mut attendee = None;
        if round % 2 == 1 {
            let first = harness.published_event(&organizer, 1).await;
            attendee = Some(harness.registered(&person, first).await.1);
        }
        let answers = all_at_once(7, |index| {
            let own = || {
                person
                    .client
                    .post(&format!("/events/{}/registrations", events[index]))
            };
            let request = match (index, attendee) {
                (0, _) => own().key("repeat"),
                (1 | 2, _) => own(),
                (3, Some(attendee)) => organizer
                    .client
                    .post(&format!("/events/{}/registrations", events[0]))
                    .key(&format!("guest-{round}"))
                    .json(json!({"attendee_id": attendee})),
                (4, _) => person
                    .client
                    .patch("/users/me")
                    .json(json!({"name": "Unverwechselbar Zwei"})),
                (5, _) => person.client.get("/users/me/export"),
                _ => person
                    .client
                    .delete("/users/me")
                    .json(json!({"password": PASSWORD})),
            };
            async move { request.await }
        })
        .await;
        assert_none_failed(&answers);
        assert!(answers.iter().any(|answer| answer.status() == 204), "{answers:?}");
        assert_nowhere(&harness, &["unverwechselbar"]);
        let seats = "registrations r JOIN attendees a ON a.id = r.attendee_id WHERE r.status = 'confirmed' \
                     AND a.name = 'Erased'";
        assert_eq!(harness.count(seats).await, 0);
        harness.assert_invariants().await;
    }
}

async fn who_signs_in_or_changes_while_they_are_erased_leaves_nothing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    for _ in 0..8 {
        let person = harness.sign_up("unverwechselbar", "organizer").await;
        set_verified(&harness, &person, true);
        let device = harness.client().with_header("user-agent", "Unverwechselbar/1.0");
        let login = json!({"email": person.email, "password": PASSWORD});
        let tokens = device.post("/auth/login").json(login.clone()).await.expect(200);
        let refresh = json!({"refresh_token": tokens.text_at("/refresh_token")});
        let mut event = harness.event_fields(1);
        event["publish"] = json!(true);
        let answers = all_at_once(6, |index| {
            let request = match index {
                0 => device.post("/auth/login").json(login.clone()),
                1 => device.post("/auth/refresh").json(refresh.clone()),
                2 => person
                    .client
                    .patch("/users/me")
                    .json(json!({"name": "Unverwechselbar", "bio": "Unverwechselbar"})),
                3 => person.client.post("/events").key("event").json(event.clone()),
                _ => person
                    .client
                    .delete("/users/me")
                    .json(json!({"password": PASSWORD})),
            };
            async move { request.await }
        })
        .await;
        assert_none_failed(&answers);
        if answers[3].status() == 201 {
            // Who was quicker has an event to come, and is still there.
            person
                .client
                .delete("/users/me")
                .await
                .expect(409)
                .problem("owns-upcoming-events");
            let path = format!("/events/{}", answers[3].text_at("/id"));
            person.client.delete(&path).await.expect(204);
            person.client.delete("/users/me").await.expect(204);
        }
        assert_nowhere(&harness, &["unverwechselbar"]);
        harness.assert_invariants().await;
    }
}

async fn of_many_who_erase_one_account_at_once_one_does(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await;
    let person = harness.attendee("person").await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    harness.registered(&person, event).await;
    let answers = all_at_once(5, |_| {
        let request = erase(&admin.client, &person);
        async move { request.await }
    })
    .await;
    assert_none_failed(&answers);
    let gone = answers.iter().filter(|answer| answer.status() == 204).count();
    assert_eq!(gone, 1);
    assert_eq!(harness.count("audit_log WHERE action = 'user.erase'").await, 1);
    harness.assert_invariants().await;
}

type Write = fn(&mut Tx<'_>, &Ctx, &User, EventId) -> Result<(), StoreError>;

/// What operations write of an account beside its erasure.
const WRITES: [(&str, Write); 9] = [
    ("its profile", |tx, _, user, _| tx.update_profile(user)),
    ("that its address is proven", |tx, ctx, user, _| {
        tx.set_email_verified(user.id, ctx.now)
    }),
    ("its address", |tx, ctx, user, _| {
        tx.set_email(user.id, &user.email, ctx.now)
    }),
    ("its password", |tx, ctx, user, _| {
        tx.set_password_hash(user.id, None, ctx.now)
    }),
    ("a session", |tx, ctx, user, _| {
        tx.insert_session(&Session {
            id: ctx.new_id(),
            user_id: user.id,
            device: Some("unverwechselbar".to_owned()),
            address: None,
            created_at: ctx.now,
            expires_at: ctx.now + TimeDelta::days(30),
        })
    }),
    ("a link", |tx, ctx, user, _| {
        tx.insert_one_time(&OneTime {
            id: ctx.new_id(),
            user_id: user.id,
            purpose: OneTimePurpose::ResetPassword,
            email: user.email.clone(),
            link_hash: user.id.to_string(),
            code_hash: String::new(),
            created_at: ctx.now,
            expires_at: ctx.now + TimeDelta::minutes(15),
            used_at: None,
            voided_at: None,
        })
    }),
    ("an attendee", |tx, ctx, user, _| {
        tx.insert_attendee(&Attendee {
            id: ctx.new_id(),
            user_id: Some(user.id),
            name: user.name.clone(),
            email: user.email.clone(),
            phone: None,
            created_by: None,
            created_at: ctx.now,
        })
    }),
    ("a place on the staff", |tx, ctx, user, event| {
        let member = StaffMember {
            user_id: user.id,
            name: user.name.as_str().to_owned(),
            role: StaffRole::Scanner,
            added_at: ctx.now,
        };
        tx.put_staff_member(event, &member, None)
    }),
    ("an event handed over", |tx, _, user, event| {
        tx.hand_over_event(event, user.id)
    }),
];

async fn what_was_read_before_an_erasure_is_not_written_after_it(database: TestDatabase) {
    // SQLite has one writer at a time: nothing comes between reading and writing.
    if database.kind() == Kind::Sqlite {
        return;
    }
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    for (what, write) in WRITES {
        let person = harness.attendee("unverwechselbar").await;
        let (id, ctx) = (person.id, harness.system());
        let (has_read, is_read) = channel();
        let (may_write, wait) = channel();
        // For the first try alone: it is tried again, and finds that there is nobody.
        let pause: Pause = Arc::new(Mutex::new(Some((has_read, wait))));
        let store = harness.store().clone();
        let writing = tokio::spawn(async move {
            store
                .write(move |tx| {
                    let found = tx.find_user(id)?;
                    if let Some((has_read, wait)) = pause.lock().expect("a lock").take() {
                        has_read.send(()).expect("the test goes on");
                        wait.recv().expect("the test goes on");
                    }
                    match found {
                        Some(user) => write(tx, &ctx, &user, event).map(|()| true),
                        None => Ok::<_, StoreError>(false),
                    }
                })
                .await
        });
        tokio::task::spawn_blocking(move || is_read.recv())
            .await
            .expect("no panic")
            .expect("it is read");
        person.client.delete("/users/me").await.expect(204);
        may_write.send(()).expect("the writer waits");
        let written = writing.await.expect("no panic").expect("an answer");
        assert!(!written, "{what} was written");
        assert_nowhere(&harness, &["unverwechselbar"]);
        harness.assert_invariants().await;
    }
}
