//! One of the candidates is chosen to speak, on the basis of the votes.

use crate::support::give_only;
use crate::voting::Hall;
use chrono::TimeDelta;
use kernel::{Permission, StoreError};
use notification::Message;
use serde_json::{Value, json};
use testkit::{Answer, Client, Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    the_winner_is_chosen_without_a_reason_and_another_with_one,
    of_equals_any_has_won_and_without_votes_nobody,
    who_speaks_is_shown_with_the_event_and_told_once,
    a_speaker_who_leaves_is_unset_and_those_who_choose_are_told,
    only_who_chooses_speakers_does_and_only_who_is_listed_is_chosen,
    a_copy_has_no_speaker_and_an_event_that_is_over_keeps_its_own,
}

impl Hall {
    async fn chooses(&self, client: &Client, candidate: &str, reason: Option<&str>) -> Answer {
        let body = json!({"candidate_id": candidate, "reason": reason});
        client.put(&self.path("speaker")).json(body).await
    }

    async fn shown(&self, harness: &Harness) -> Value {
        let event = harness.client().get(&format!("/events/{}", self.event)).await;
        event.expect(200).json()["speaker"].clone()
    }
}

async fn told(harness: &Harness, person: &Person) -> Vec<Message> {
    let mut mails = harness.mails_to(&person.email).await;
    mails.retain(|mail| matches!(mail, Message::SpeakerChosen { .. } | Message::SpeakerLost { .. }));
    mails
}

/// Closes voting now, while everybody is still signed in.
async fn close_now(harness: &Harness, hall: &Hall) {
    let now = kernel::Clock::now(harness.clock());
    hall.set(json!({"voting_closes_at": now + TimeDelta::seconds(1)}))
        .await;
    harness.clock().advance(TimeDelta::seconds(1));
}

async fn the_winner_is_chosen_without_a_reason_and_another_with_one(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 4).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    hall.votes(2, &first).await.expect(200);
    hall.votes(3, &first).await.expect(200);
    hall.votes(0, &second).await.expect(200);
    let admin = harness.admin().await.client;
    // Voting runs.
    hall.chooses(&admin, &first, None).await.invalid(&["/reason"]);
    hall.chooses(&admin, &first, Some(" "))
        .await
        .invalid(&["/reason"]);
    hall.chooses(&admin, &first, Some(&"x".repeat(1_001)))
        .await
        .invalid(&["/reason"]);
    assert_eq!(hall.shown(&harness).await, Value::Null);
    hall.chooses(&admin, &second, Some("They leave tomorrow."))
        .await
        .expect(200);
    close_now(&harness, &hall).await;
    hall.chooses(&admin, &second, None).await.invalid(&["/reason"]);
    let chosen = hall.chooses(&admin, &first, None).await.expect(200).json();
    assert_eq!(chosen["speaker"]["talk_title"], "Talk 0");
    let noted = |rank: u8, closed: bool, reason: &str| {
        format!(
            "audit_log WHERE action = 'speaker.select' AND object_id = '{}' AND {reason} \
             AND CAST(changes AS TEXT) LIKE '%\"{rank}\"%' AND CAST(changes AS TEXT) LIKE '%{closed}%'",
            hall.event
        )
    };
    assert_eq!(
        harness
            .count(&noted(2, false, "reason = 'They leave tomorrow.'"))
            .await,
        1
    );
    assert_eq!(harness.count(&noted(1, true, "reason IS NULL")).await, 1);
    harness.assert_invariants().await;
}

async fn of_equals_any_has_won_and_without_votes_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (tied, silent) = (Hall::open(&harness, 4).await, Hall::open(&harness, 2).await);
    let mut candidates = Vec::new();
    for who in 0..3 {
        candidates.push(tied.stands(who).await);
    }
    tied.votes(0, &candidates[1]).await.expect(200);
    tied.votes(1, &candidates[0]).await.expect(200);
    let lone = silent.stands(0).await;
    close_now(&harness, &tied).await;
    close_now(&harness, &silent).await;
    let admin = harness.admin().await.client;
    tied.chooses(&admin, &candidates[2], None)
        .await
        .invalid(&["/reason"]);
    for candidate in &candidates[..2] {
        tied.chooses(&admin, candidate, None).await.expect(200);
    }
    silent.chooses(&admin, &lone, None).await.invalid(&["/reason"]);
    silent
        .chooses(&admin, &lone, Some("Nobody voted."))
        .await
        .expect(200);
    harness.assert_invariants().await;
}

async fn who_speaks_is_shown_with_the_event_and_told_once(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 2).await;
    let (first, second) = (hall.stands(0).await, hall.stands(1).await);
    let path = format!("/events/{}", hall.event);
    let etag = async || {
        let answer = harness.client().get(&path).await.expect(200);
        answer.header("etag").expect("a tag").to_owned()
    };
    let before = etag().await;
    let admin = harness.admin().await.client;
    let chosen = hall.chooses(&admin, &first, Some("because")).await.expect(200);
    let speaker = json!({
        "id": hall.attendees[0].to_string(), "name": "Person 0", "talk_title": "Talk 0",
    });
    assert_eq!(chosen.json()["speaker"], speaker);
    assert_ne!(etag().await, before);
    assert_eq!(chosen.header("etag"), Some(etag().await.as_str()));
    assert_eq!(hall.shown(&harness).await, speaker);
    for list in ["/events?limit=100", "/users/me/events"] {
        let items = hall.organizer.client.get(list).await.expect(200).items();
        let shown = items
            .iter()
            .find(|event| event["id"] == json!(hall.event.to_string()));
        assert_eq!(shown.expect("the event")["speaker"], speaker, "{list}");
    }
    hall.chooses(&admin, &first, Some("because")).await.expect(200);
    assert_eq!(told(&harness, &hall.people[0]).await.len(), 1, "the same choice");
    let live = format!(
        "outbox WHERE channel = 'live' AND kind = 'event-updated' AND topic = 'event:{}'",
        hall.event
    );
    let updates = harness.count(&live).await;
    hall.chooses(&admin, &second, Some("because")).await.expect(200);
    assert_eq!(harness.count(&live).await, updates + 1);
    hall.chooses(&admin, &first, Some("because")).await.expect(200);
    assert_eq!(told(&harness, &hall.people[0]).await.len(), 2, "chosen anew");
    let [Message::SpeakerChosen { talk_title, .. }] = &told(&harness, &hall.people[1]).await[..] else {
        panic!("one mail");
    };
    assert_eq!(talk_title, "Talk 1");
    // Another title is shown at once, and an edit of the event leaves the speaker.
    let reword = hall.people[0]
        .client
        .patch(&hall.path(&format!("candidates/{first}")));
    reword.json(json!({"talk_title": "Better"})).await.expect(200);
    assert_eq!(hall.shown(&harness).await["talk_title"], "Better");
    hall.set(json!({"title": "Another event"})).await;
    assert_eq!(hall.shown(&harness).await["talk_title"], "Better");
    admin.delete(&hall.path("speaker")).await.expect(200);
    assert_eq!(hall.shown(&harness).await, Value::Null);
    admin.delete(&hall.path("speaker")).await.expect(200);
    assert_eq!(harness.count("audit_log WHERE action = 'speaker.unset'").await, 1);
    harness.assert_invariants().await;
}

async fn a_speaker_who_leaves_is_unset_and_those_who_choose_are_told(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let admin = harness.admin().await;
    let [selector, suspended] = [harness.attendee("selector").await, harness.attendee("gone").await];
    for person in [&selector, &suspended] {
        let roles = format!(
            "INSERT INTO roles (name, description, built_in) SELECT 'selectors', '', false \
             WHERE NOT EXISTS (SELECT 1 FROM roles WHERE name = 'selectors'); \
             INSERT INTO role_permissions (role_name, permission) SELECT 'selectors', 'speaker:select' \
             WHERE NOT EXISTS (SELECT 1 FROM role_permissions WHERE role_name = 'selectors'); \
             INSERT INTO user_roles (user_id, role_name) VALUES ('{}', 'selectors')",
            person.id
        );
        crate::support::sql(&harness, &roles);
    }
    crate::support::suspend(&harness, &suspended);
    let first = hall.stands(0).await;
    hall.chooses(&admin.client, &first, Some("because"))
        .await
        .expect(200);
    hall.leaves(0).await;
    assert_eq!(hall.shown(&harness).await, Value::Null);
    for (person, mails) in [(&admin, 1), (&selector, 1), (&suspended, 0), (&hall.organizer, 0)] {
        let lost = told(&harness, person).await;
        assert_eq!(lost.len(), mails, "{}", person.email);
        for mail in lost {
            let Message::SpeakerLost {
                speaker, talk_title, ..
            } = mail
            else {
                panic!("{mail:?}");
            };
            assert_eq!((speaker.as_str(), talk_title.as_str()), ("Person 0", "Talk 0"));
        }
    }
    // By withdrawing as well; not by another's leaving.
    let (second, third) = (hall.stands(1).await, hall.stands(2).await);
    hall.chooses(&admin.client, &second, Some("because"))
        .await
        .expect(200);
    let end = async |who: usize, id: &str| {
        let path = hall.path(&format!("candidates/{id}"));
        hall.people[who].client.delete(&path).await.expect(204);
    };
    end(2, &third).await;
    assert_eq!(hall.shown(&harness).await["name"], "Person 1");
    end(1, &second).await;
    assert_eq!(hall.shown(&harness).await, Value::Null);
    assert_eq!(told(&harness, &admin).await.len(), 2);
    harness.assert_invariants().await;
}

async fn only_who_chooses_speakers_does_and_only_who_is_listed_is_chosen(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let first = hall.stands(0).await;
    let selector = harness.attendee("selector").await;
    give_only(&harness, &selector, Permission::SpeakerSelect);
    for client in [&hall.organizer.client, &hall.people[0].client] {
        hall.chooses(client, &first, Some("mine"))
            .await
            .expect(403)
            .problem("forbidden");
        client
            .put(&hall.path("speaker"))
            .json(json!({}))
            .await
            .expect(403);
        client.delete(&hall.path("speaker")).await.expect(403);
    }
    let profile = json!({"listed": true});
    hall.people[1]
        .client
        .patch("/users/me")
        .json(profile)
        .await
        .expect(200);
    let named = json!({
        "attendee_id": hall.attendees[1].to_string(), "talk_title": "Named", "abstract": "Words",
    });
    let nominated = hall.people[0].client.post(&hall.path("candidates")).json(named);
    let nominated = nominated.await.expect(201).text_at("/id");
    let withdrawn = hall.stands(2).await;
    let path = hall.path(&format!("candidates/{withdrawn}"));
    hall.people[2].client.delete(&path).await.expect(204);
    let elsewhere = Hall::open(&harness, 1).await;
    let others = elsewhere.stands(0).await;
    for unlisted in [&nominated, &withdrawn, &others] {
        let answer = hall.chooses(&selector.client, unlisted, Some("because")).await;
        answer.invalid(&["/candidate_id"]);
    }
    let nowhere = "/events/018f0000-0000-7000-8000-000000000000/speaker";
    let body = json!({"candidate_id": first, "reason": "because"});
    selector.client.put(nowhere).json(body).await.expect(404);
    hall.chooses(&selector.client, &first, Some("because"))
        .await
        .expect(200);
    hall.organizer
        .client
        .post(&format!("/events/{}/cancel", hall.event))
        .await
        .expect(200);
    let late = hall.chooses(&selector.client, &first, Some("because")).await;
    late.expect(409).problem("event-read-only");
    let late = selector.client.delete(&hall.path("speaker")).await;
    late.expect(409).problem("event-read-only");
    // Nobody is chosen who is not a candidate, whatever writes it.
    let event = hall.event;
    let row = harness
        .store()
        .write(move |tx| {
            use voting::CandidateRepository;
            tx.set_speaker(event, Some(kernel::TypedId::from_uuid(uuid::Uuid::from_u128(7))))
        })
        .await;
    assert!(matches!(row, Err(StoreError::Referenced(_))), "{row:?}");
    harness.assert_invariants().await;
}

async fn a_copy_has_no_speaker_and_an_event_that_is_over_keeps_its_own(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 1).await;
    let first = hall.stands(0).await;
    let admin = harness.admin().await;
    hall.chooses(&admin.client, &first, Some("because"))
        .await
        .expect(200);
    let copy = hall
        .organizer
        .client
        .post(&format!("/events/{}/copy", hall.event));
    let copy = copy
        .json(json!({"location": "Elsewhere"}))
        .await
        .expect(201)
        .json();
    assert_eq!(copy["speaker"], Value::Null);
    hall.close(&harness).await;
    harness.clock().advance(TimeDelta::hours(4));
    assert_eq!(hall.shown(&harness).await["name"], "Person 0");
    let admin = harness.log_in(&admin.email).await;
    let late = hall.chooses(&admin.client, &first, Some("because")).await;
    late.expect(409).problem("event-read-only");
}
