//! Texts to all who hold a seat, where something else happens meanwhile; and which of them are still sent.

use crate::reminders::fill;
use crate::support::{assert_waiting, sql};
use chrono::TimeDelta;
use kernel::{Clock, EventId};
use notification::{Destination, Job, Message};
use serde_json::json;
use testkit::{Harness, Kind, Person, TestDatabase, on_both_databases};

on_both_databases! {
    who_registered_while_the_operation_waited_is_told_too,
    who_gets_another_address_meanwhile_is_written_to_there,
    who_was_forgotten_gets_nothing_and_is_on_no_list,
    a_ticket_is_sent_to_who_has_it_alone,
    a_move_is_told_to_who_holds_a_seat_and_an_older_one_to_nobody,
    a_later_move_takes_the_place_of_one_that_is_being_told,
    one_that_fails_holds_up_no_other,
    a_big_one_holds_up_no_small_one,
}

async fn announce(organizer: &Person, event: EventId) {
    organizer
        .client
        .post(&format!("/events/{event}/announcements"))
        .json(json!({"subject": "Where to park", "body": "Behind the hall."}))
        .await
        .expect(202);
}

async fn move_to(harness: &Harness, organizer: &Person, event: EventId, days: i64) {
    let start = harness.clock().now() + TimeDelta::days(days);
    let change =
        json!({"starts_at": start.to_rfc3339(), "ends_at": (start + TimeDelta::hours(1)).to_rfc3339()});
    organizer
        .client
        .patch(&format!("/events/{event}"))
        .json(change)
        .await
        .expect(200);
}

/// What was written to a person, of one kind.
async fn written(harness: &Harness, email: &str, kind: &str) -> Vec<Message> {
    let mut mails = harness.mails_to(email).await;
    mails.retain(|message| message.kind() == kind);
    mails
}

/// Whether it would be sent, to that address.
async fn is_sent(harness: &Harness, to: &str, message: &Message) -> bool {
    let job = Job {
        id: harness.system().new_id(),
        name: String::new(),
        to: Destination::Email(to.to_owned()),
        message: message.clone(),
        attempts: 0,
        created_at: harness.clock().now(),
        user_id: None,
    };
    let asked = harness.store().read(move |tx| registration::still_true(tx, &job));
    asked.await.expect("an answer")
}

async fn who_registered_while_the_operation_waited_is_told_too(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 9).await;
    let asha = harness.attendee("asha").await;
    // The edit takes an earlier moment for now than the registration that it waited for.
    let now = harness.clock().now();
    harness.clock().advance(TimeDelta::seconds(5));
    harness.registered(&asha, event).await;
    harness.clock().set(now);
    move_to(&harness, &organizer, event, 20).await;
    announce(&organizer, event).await;
    for kind in ["event_moved", "announcement"] {
        assert_eq!(written(&harness, &asha.email, kind).await.len(), 1, "{kind}");
    }
}

async fn who_gets_another_address_meanwhile_is_written_to_there(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10_000).await;
    fill(&harness, event, 250);
    announce(&organizer, event).await;
    let change = "UPDATE attendees SET email = 'new@example.org', email_key = 'new@example.org'
                  WHERE email_key = 'g249@example.org'";
    if harness.database().kind() == Kind::Sqlite {
        sql(&harness, change);
        server::mailings::go_on(harness.store(), harness.system())
            .await
            .expect("a look");
    } else {
        let mut other = harness.database().connect();
        other
            .execute_batch(&format!("BEGIN; {change}"))
            .expect("a change");
        let commit = async {
            assert_waiting(&harness, 1).await;
            other.execute_batch("COMMIT").expect("a commit");
        };
        let look = server::mailings::go_on(harness.store(), harness.system());
        let (looked, ()) = tokio::join!(look, commit);
        looked.expect("a look");
    }
    assert!(
        written(&harness, "g249@example.org", "announcement")
            .await
            .is_empty()
    );
    assert_eq!(
        written(&harness, "new@example.org", "announcement").await.len(),
        1
    );
    assert_eq!(harness.count("outbox WHERE kind = 'announcement'").await, 250);
}

async fn who_was_forgotten_gets_nothing_and_is_on_no_list(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 9).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    harness.registered(&asha, event).await;
    harness.registered(&bela, event).await;
    harness.clock().advance(TimeDelta::days(12));
    let asha = harness.log_in(&asha.email).await;
    asha.client.delete("/users/me").await.expect(204);
    let organizer = harness.log_in(&organizer.email).await;
    assert_eq!(harness.count("registrations WHERE status = 'confirmed'").await, 2);
    announce(&organizer, event).await;
    assert_eq!(harness.count("outbox WHERE kind = 'announcement'").await, 1);
    let list = organizer
        .client
        .get(&format!("/events/{event}/attendees.csv"))
        .await
        .expect(200)
        .text();
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(list.contains(&bela.email) && !list.contains("erased"), "{list}");
}

async fn a_ticket_is_sent_to_who_has_it_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let (asha, bela) = (harness.attendee("asha").await, harness.attendee("bela").await);
    let (seat, _) = harness.registered(&asha, event).await;
    let resend = format!("/registrations/{seat}/resend");
    asha.client.post(&resend).await.expect(202);
    let mails = written(&harness, &asha.email, "seat_confirmed").await;
    assert_eq!(mails.len(), 2);
    for mail in &mails {
        assert!(is_sent(&harness, &asha.email.to_uppercase(), mail).await);
        assert!(!is_sent(&harness, "former@example.org", mail).await);
    }
    bela.client
        .post(&format!("/events/{event}/registrations"))
        .await
        .expect(202);
    asha.client
        .delete(&format!("/registrations/{seat}"))
        .await
        .expect(200);
    for mail in &mails {
        assert!(!is_sent(&harness, &asha.email, mail).await);
    }
    let mails = written(&harness, &bela.email, "seat_from_waitlist").await;
    assert!(is_sent(&harness, &bela.email, &mails[0]).await);
    assert!(!is_sent(&harness, &asha.email, &mails[0]).await);
    sql(
        &harness,
        "UPDATE registrations SET ticket_code = '000000000000' WHERE status = 'confirmed'",
    );
    assert!(!is_sent(&harness, &bela.email, &mails[0]).await);
}

async fn a_move_is_told_to_who_holds_a_seat_and_an_older_one_to_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 9).await;
    let asha = harness.attendee("asha").await;
    let (seat, _) = harness.registered(&asha, event).await;
    // Away, on, and back to where it was moved first.
    for days in [20, 30, 20] {
        move_to(&harness, &organizer, event, days).await;
    }
    let mut told = Vec::new();
    let mut moves = written(&harness, &asha.email, "event_moved").await;
    moves.sort_by_key(|message| match message {
        Message::EventMoved { edit, .. } => *edit,
        other => panic!("{other:?}"),
    });
    for message in &moves {
        told.push(is_sent(&harness, &asha.email, message).await);
    }
    assert_eq!(told, [false, false, true]);
    asha.client
        .delete(&format!("/registrations/{seat}"))
        .await
        .expect(200);
    assert!(!is_sent(&harness, &asha.email, &moves[2]).await);
}

async fn a_later_move_takes_the_place_of_one_that_is_being_told(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 10_000).await;
    fill(&harness, event, 250);
    announce(&organizer, event).await;
    move_to(&harness, &organizer, event, 20).await;
    move_to(&harness, &organizer, event, 30).await;
    assert_eq!(harness.count("mailings").await, 2);
    server::mailings::go_on(harness.store(), harness.system())
        .await
        .expect("a look");
    assert_eq!(
        written(&harness, "g249@example.org", "event_moved").await.len(),
        1
    );
    assert_eq!(
        written(&harness, "g249@example.org", "announcement").await.len(),
        1
    );
}

async fn one_that_fails_holds_up_no_other(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (one, other) = (
        harness.published_event(&organizer, 10_000).await,
        harness.published_event(&organizer, 10_000).await,
    );
    fill(&harness, one, 250);
    announce(&organizer, one).await;
    sql(
        &harness,
        &format!(
            "INSERT INTO mailings (id, event_id, message, registered_by, written_to_time, written_to_id, created_at)
             SELECT '00000000-0000-7000-8000-000000000001', '{other}', '{{\"of_another_version\": {{}}}}', registered_by,
                    written_to_time, written_to_id, created_at FROM mailings"
        ),
    );
    let written = server::mailings::go_on(harness.store(), harness.system()).await;
    assert_eq!(written.expect("a look"), 50);
    assert_eq!(harness.count("mailings").await, 1);
}

async fn a_big_one_holds_up_no_small_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let (big, small) = (
        harness.published_event(&organizer, 10_000).await,
        harness.published_event(&organizer, 10_000).await,
    );
    fill(&harness, big, 900);
    sql(
        &harness,
        &format!(
            "UPDATE registrations SET event_id = '{small}'
             WHERE attendee_id IN (SELECT id FROM attendees WHERE email_key < 'g4')"
        ),
    );
    announce(&organizer, big).await;
    move_to(&harness, &organizer, small, 20).await;
    server::mailings::go_on(harness.store(), harness.system())
        .await
        .expect("a look");
    let last = |kind: &str| format!("(SELECT id FROM outbox WHERE kind = '{kind}' ORDER BY id DESC LIMIT 1)");
    let earlier = format!(
        "events WHERE id = '{big}' AND {} < {}",
        last("event_moved"),
        last("announcement")
    );
    assert_eq!(harness.count(&earlier).await, 1);
}
