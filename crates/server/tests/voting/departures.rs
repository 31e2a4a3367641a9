//! What becomes of votes, candidacies and speakers when people are erased, turn out to be somebody, or are called otherwise.

use super::{Hall, by_link};
use crate::support::{confirm_email, sql};
use chrono::TimeDelta;
use kernel::{AttendeeId, Clock};
use notification::Message;
use registration::SeatLost;
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    who_is_erased_after_voting_closed_stays_counted_before_the_event_too,
    a_guests_vote_is_that_of_who_has_a_seat_and_has_not_voted,
    nobody_is_mailed_the_name_of_who_was_erased,
    who_watches_an_event_hears_that_its_speaker_is_another,
    a_candidate_of_an_event_that_was_called_off_is_told_so,
}

async fn erase(harness: &Harness, person: &Person) {
    let admin = harness.admin().await;
    let path = format!("/admin/users/{}", person.id);
    admin.client.delete(&path).await.expect(204);
}

async fn closes_now(harness: &Harness, hall: &Hall) {
    let closes = harness.clock().now() + TimeDelta::seconds(1);
    hall.set(json!({"voting_closes_at": closes})).await;
    harness.clock().advance(TimeDelta::seconds(2));
}

async fn who_is_erased_after_voting_closed_stays_counted_before_the_event_too(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (closed, open) = (Hall::open(&harness, 5).await, Hall::open(&harness, 5).await);
    let (first, second) = (closed.stands(0).await, closed.stands(1).await);
    for voter in [2, 3] {
        closed.votes(voter, &first).await.expect(200);
    }
    closed.votes(4, &second).await.expect(200);
    let running = open.stands(0).await;
    harness.registered(&closed.people[2], open.event).await;
    let vote = closed.people[2].client.put(&open.path("vote"));
    vote.json(json!({"candidate_id": running})).await.expect(200);
    closes_now(&harness, &closed).await;
    let before = closed.results().await;
    for voter in [2, 3] {
        erase(&harness, &closed.people[voter]).await;
    }
    harness.clock().advance(TimeDelta::seconds(2));
    let after = closed.results().await;
    assert_eq!(after["candidates"], before["candidates"]);
    assert_eq!(after["turnout"]["voters"], 3);
    assert_eq!(
        after["turnout"]["seat_holders"], 3,
        "as many as voted, with three seats"
    );
    // By nobody: neither the person nor their name stands beside the ballot.
    for voter in [2, 3] {
        let own = format!("votes WHERE voter_id = '{}'", closed.attendees[voter]);
        assert_eq!(harness.count(&own).await, 0);
    }
    let nobodys =
        "votes v JOIN attendees a ON a.id = v.voter_id WHERE a.user_id IS NULL AND a.name = 'Erased'";
    assert_eq!(harness.count(nobodys).await, 2);
    assert_eq!(open.count_votes(&harness).await, 0, "voting runs there");
    harness.assert_invariants().await;
    // Who gives the seat back is not erased.
    closed.leaves(4).await;
    assert_eq!(closed.count_votes(&harness).await, 2);
    // A candidate who is erased stands no longer, and the votes for them go.
    erase(&harness, &closed.people[0]).await;
    assert_eq!(closed.count_votes(&harness).await, 0);
    harness.assert_invariants().await;
}

async fn a_guests_vote_is_that_of_who_has_a_seat_and_has_not_voted(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (hall, over) = (Hall::open(&harness, 2).await, Hall::open(&harness, 2).await);
    let (candidate, former) = (hall.stands(0).await, over.stands(0).await);
    let campaign = harness.system().new_id();
    let bo = harness.attendee("bo").await;
    for (hall, candidate) in [(&hall, &candidate), (&over, &former)] {
        let guest = json!({"attendee": {"name": "Bo", "email": "bo@guests.example"}});
        let noted = hall
            .organizer
            .client
            .post(&hall.path("registrations"))
            .json(guest)
            .await;
        let guest: AttendeeId = noted
            .expect(201)
            .text_at("/registration/attendee_id")
            .parse()
            .expect("an id");
        let vote = by_link(&harness, hall.event, guest, candidate, campaign).await;
        vote.expect("a vote");
        harness.registered(&bo, hall.event).await;
    }
    sql(
        &harness,
        &format!(
            "UPDATE events SET status = 'completed' WHERE id = '{}'",
            over.event
        ),
    );
    let form = json!({"new_email": "bo@guests.example", "password": PASSWORD});
    bo.client.post("/users/me/email").json(form).await.expect(202);
    let token = harness.mailed_secrets("bo@guests.example").await.token;
    confirm_email(&harness, json!({"token": token})).await.expect(204);
    for (hall, candidate) in [(&hall, &candidate), (&over, &former)] {
        let vote = bo.client.get(&hall.path("vote")).await.expect(200);
        assert_eq!(vote.text_at("/candidate_id"), *candidate);
        let seats = format!(
            "registrations WHERE event_id = '{}' AND status = 'confirmed'",
            hall.event
        );
        assert_eq!(
            (hall.count_votes(&harness).await, harness.count(&seats).await),
            (1, 3)
        );
    }
    harness.assert_invariants().await;
}

async fn nobody_is_mailed_the_name_of_who_was_erased(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let admin = harness.admin().await;
    let (speaker, nominee) = (hall.stands(0).await, &hall.people[1]);
    let choice = json!({"candidate_id": speaker, "reason": "because"});
    let chosen = admin.client.put(&hall.path("speaker")).json(choice).await;
    chosen.expect(200);
    // They name somebody, who is asked by a mail that has not gone out.
    nominee
        .client
        .patch("/users/me")
        .json(json!({"listed": true}))
        .await
        .expect(200);
    let named = json!({
        "attendee_id": hall.attendees[1].to_string(), "talk_title": "Named", "abstract": "Words",
    });
    let nominates = hall.people[0].client.post(&hall.path("candidates")).json(named);
    nominates.await.expect(201);
    // Somebody else spoke, and gave the seat back before they were erased.
    let elsewhere = Hall::open(&harness, 1).await;
    let lost = elsewhere.stands(0).await;
    let choice = json!({"candidate_id": lost, "reason": "because"});
    let chosen = admin.client.put(&elsewhere.path("speaker")).json(choice).await;
    chosen.expect(200);
    elsewhere.leaves(0).await;
    for (person, name) in [
        (&hall.people[0], "Unverkennbar"),
        (&elsewhere.people[0], "Unverwechselbar"),
    ] {
        let renamed = json!({"name": name});
        person.client.patch("/users/me").json(renamed).await.expect(200);
    }
    for person in [&hall.people[0], &elsewhere.people[0]] {
        erase(&harness, person).await;
    }
    let mut said = Vec::new();
    for mail in harness
        .mails_to(&admin.email)
        .await
        .into_iter()
        .chain(harness.mails_to(&nominee.email).await)
    {
        match mail {
            Message::SpeakerLost { speaker: name, .. }
            | Message::Nominated {
                nominated_by: name, ..
            } => said.push(name),
            _ => {}
        }
    }
    assert_eq!(said, ["Erased"; 3], "the speakers, and who named somebody");
    for cell in harness.database().every_cell() {
        let place = cell.place.as_str();
        assert!(
            !cell.text.contains("Unverkennbar") && !cell.text.contains("Unverwechselbar"),
            "{place}"
        );
    }
    harness.assert_invariants().await;
}

async fn who_watches_an_event_hears_that_its_speaker_is_another(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 2).await;
    let admin = harness.admin().await;
    let path = format!("/events/{}", hall.event);
    let live = format!(
        "outbox WHERE channel = 'live' AND kind = 'event-updated' AND topic = 'event:{}'",
        hall.event
    );
    let seen = async || {
        let shown = harness.client().get(&path).await.expect(200);
        let tag = shown.header("etag").expect("a tag").to_owned();
        (shown.json()["speaker"].clone(), tag, harness.count(&live).await)
    };
    let id = hall.stands(0).await;
    let choice = json!({"candidate_id": id, "reason": "because"});
    let chosen = admin.client.put(&hall.path("speaker")).json(choice).await;
    chosen.expect(200);
    let mut before = seen().await;
    let (person, own) = (&hall.people[0].client, format!("candidates/{id}"));
    let others = json!({"name": "Somebody Else"});
    hall.people[1]
        .client
        .patch("/users/me")
        .json(others)
        .await
        .expect(200);
    assert_eq!(seen().await, before, "not the speaker");
    person
        .patch("/users/me")
        .json(json!({"bio": "Words."}))
        .await
        .expect(200);
    assert_eq!(seen().await, before, "not the name");
    for step in ["reworded", "renamed", "renamed by an admin", "gone"] {
        match step {
            "reworded" => person
                .patch(&hall.path(&own))
                .json(json!({"talk_title": "Better"}))
                .await
                .expect(200),
            "renamed" => person
                .patch("/users/me")
                .json(json!({"name": "Ana"}))
                .await
                .expect(200),
            "gone" => person.delete(&hall.path(&own)).await.expect(204),
            _ => {
                let account = format!("/admin/users/{}", hall.people[0].id);
                admin
                    .client
                    .patch(&account)
                    .json(json!({"name": "Ana B"}))
                    .await
                    .expect(200)
            }
        };
        let now = seen().await;
        assert_ne!(now.0, before.0, "{step}");
        assert_ne!(now.1, before.1, "{step}: the tag");
        assert_eq!(now.2, before.2 + 1, "{step}: told live");
        before = now;
    }
    assert_eq!(before.0, Value::Null);
    harness.assert_invariants().await;
}

async fn a_candidate_of_an_event_that_was_called_off_is_told_so(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let (id, left) = (hall.stands(0).await, hall.stands(1).await);
    let path = |id: &str| hall.path(&format!("candidates/{id}"));
    hall.leaves(1).await;
    let gone = hall.people[1].client.delete(&path(&left)).await.expect(409);
    gone.problem("wrong-state");
    assert_eq!(gone.json()["candidate_status"], "left");
    hall.people[2].client.delete(&path(&left)).await.expect(404);
    // Where the rows of an event are written when the person goes: also where they have no seat.
    let candidate = hall.attendees[1];
    let told_of = harness.store().read(move |tx| tx.events_told_of(candidate)).await;
    assert_eq!(told_of.expect("events"), [hall.event]);
    let cancel = format!("/events/{}/cancel", hall.event);
    hall.organizer.client.post(&cancel).await.expect(200);
    let (own, other) = (&hall.people[0].client, &hall.people[2].client);
    own.delete(&path(&id))
        .await
        .expect(409)
        .problem("event-read-only");
    let reword = own.patch(&path(&id)).json(json!({"talk_title": "Other"})).await;
    reword.expect(409).problem("voting-closed");
    other.delete(&path(&id)).await.expect(403).problem("forbidden");
    harness.assert_invariants().await;
}
