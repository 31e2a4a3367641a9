//! Who stands for speaker: oneself, or who was named and agreed.

use crate::support::{give_only, set_verified, sql};
use crate::voting::Hall;
use chrono::TimeDelta;
use kernel::{Clock, Permission};
use notification::Message;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::{
    Answer, Client, Harness, HarnessOptions, Person, TestDatabase, all_at_once, on_both_databases,
};

on_both_databases! {
    who_stands_is_listed_at_once_and_who_is_named_after_agreeing,
    whoever_cannot_be_named_is_refused_alike,
    one_names_five_others_and_nobody_stands_twice,
    one_stands_from_publishing_until_voting_closes,
    a_talk_is_reworded_by_who_gives_it_and_by_managers,
    a_candidacy_ends_as_who_ends_it_wants_and_may_begin_anew,
    candidates_are_shuffled_for_each_and_pages_hide_nobody,
    what_does_not_fit_is_refused,
}

fn talk() -> Value {
    json!({"talk_title": "Sync or async", "abstract": "Words\nand words."})
}

fn naming(attendee: &impl ToString) -> Value {
    let mut named = talk();
    named["attendee_id"] = json!(attendee.to_string());
    named
}

/// The person agrees to be seen by others.
async fn listed(person: &Person) {
    let profile = json!({"listed": true, "profession": "gardener"});
    person.client.patch("/users/me").json(profile).await.expect(200);
}

impl Hall {
    async fn nominates(&self, who: usize, body: Value) -> Answer {
        self.people[who]
            .client
            .post(&self.path("candidates"))
            .json(body)
            .await
    }

    async fn candidates(&self, client: &Client, query: &str) -> Vec<Value> {
        client
            .get(&self.path(&format!("candidates{query}")))
            .await
            .expect(200)
            .items()
    }
}

async fn who_stands_is_listed_at_once_and_who_is_named_after_agreeing(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 3).await;
    let answer = hall.nominates(0, talk()).await.expect(201);
    let own = answer.json();
    assert_eq!(
        (&own["status"], &own["abstract"]),
        (&json!("listed"), &json!("Words\nand words."))
    );
    assert_eq!(own["attendee"]["id"], json!(hall.attendees[0].to_string()));
    let location = format!(
        "/api/v1/events/{}/candidates/{}",
        hall.event,
        own["id"].as_str().expect("an id")
    );
    assert_eq!(answer.header("location"), Some(location.as_str()));

    listed(&hall.people[1]).await;
    let nominate = || {
        let post = hall.people[0]
            .client
            .post(&hall.path("candidates"))
            .key("name-them");
        post.json(naming(&hall.attendees[1]))
    };
    let named = nominate().await.expect(201).json();
    assert_eq!(nominate().await.expect(201).json(), named, "once");
    assert_eq!(named["status"], "nominated");
    assert_eq!(named["attendee"]["profession"], "gardener");
    let mails = harness.mails_to(&hall.people[1].email).await;
    let asked: Vec<&Message> = mails
        .iter()
        .filter(|mail| matches!(mail, Message::Nominated { .. }))
        .collect();
    let [
        Message::Nominated {
            nominated_by,
            talk_title,
            ..
        },
    ] = asked[..]
    else {
        panic!("one mail: {mails:?}");
    };
    assert_eq!(
        (nominated_by.as_str(), talk_title.as_str()),
        ("Person 0", "Sync or async")
    );
    // Only they and the managers see it; nobody votes for them.
    let id = named["id"].as_str().expect("an id");
    let seen = async |client: &Client| {
        let all = hall.candidates(client, "").await;
        all.iter().any(|one| one["id"] == named["id"])
    };
    assert!(seen(&hall.people[1].client).await && seen(&hall.organizer.client).await);
    assert!(!seen(&hall.people[2].client).await && !seen(&hall.people[0].client).await);
    hall.votes(2, id).await.invalid(&["/candidate_id"]);
    let accept = hall.path(&format!("candidates/{id}/accept"));
    for client in [
        &hall.people[0].client,
        &hall.people[2].client,
        &hall.organizer.client,
    ] {
        client.post(&accept).await.expect(404);
    }
    let accepted = hall.people[1].client.post(&accept).await.expect(200);
    assert_eq!(accepted.json()["status"], "listed");
    hall.people[1]
        .client
        .post(&accept)
        .await
        .expect(409)
        .problem("wrong-state");
    assert!(seen(&hall.people[2].client).await);
    hall.votes(2, id).await.expect(200);
    harness.assert_invariants().await;
}

async fn whoever_cannot_be_named_is_refused_alike(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 4).await;
    let guest = json!({"attendee": {"name": "Guest", "email": "guest@example.org"}});
    let guest = hall
        .organizer
        .client
        .post(&hall.path("registrations"))
        .json(guest);
    let guest = guest.await.expect(201).text_at("/registration/attendee_id");
    for person in &hall.people[2..] {
        listed(person).await;
    }
    hall.leaves(2).await;
    sql(
        &harness,
        &format!(
            "UPDATE users SET status = 'suspended' WHERE id = '{}'",
            hall.people[3].id
        ),
    );
    let elsewhere = Hall::open(&harness, 1).await;
    listed(&elsewhere.people[0]).await;
    let nobody = uuid::Uuid::from_u128(7).to_string();
    // Not seen by others, without a seat, not in use, at another event, without an account, not there.
    let all = [
        hall.attendees[1].to_string(),
        hall.attendees[2].to_string(),
        hall.attendees[3].to_string(),
        elsewhere.attendees[0].to_string(),
        guest,
        nobody,
    ];
    let mut answers = BTreeSet::new();
    for attendee in all {
        let answer = hall.nominates(0, naming(&attendee)).await;
        answer.invalid(&["/attendee_id"]);
        let mut problem = answer.json();
        problem["request_id"] = Value::Null;
        answers.insert(problem.to_string());
    }
    assert_eq!(answers.len(), 1);
    assert_eq!(harness.count("candidates").await, 0);
    // By their own id one names oneself, seen by others or not.
    let own = hall.nominates(1, naming(&hall.attendees[1])).await.expect(201);
    assert_eq!(own.json()["status"], "listed");
    for stranger in [&hall.organizer, &harness.attendee("stranger").await] {
        let post = || stranger.client.post(&hall.path("candidates"));
        post().json(talk()).await.expect(403).problem("seat-needed");
        post().json(json!({})).await.expect(403).problem("seat-needed");
    }
}

async fn one_names_five_others_and_nobody_stands_twice(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = std::sync::Arc::new(Hall::open(&harness, 9).await);
    for person in &hall.people {
        listed(person).await;
    }
    let ids: Vec<String> = hall.attendees.iter().map(ToString::to_string).collect();
    let answers = all_at_once(7, |number| {
        let (hall, id) = (std::sync::Arc::clone(&hall), ids[number + 1].clone());
        async move { hall.nominates(0, naming(&id)).await }
    })
    .await;
    let named = answers.iter().filter(|answer| answer.status() == 201).count();
    assert_eq!(named, 5);
    for answer in answers.into_iter().filter(|answer| answer.status() != 201) {
        answer.expect(409).problem("nominations-used");
    }
    // Oneself is not one of them, once.
    hall.nominates(0, talk()).await.expect(201);
    hall.nominates(0, talk())
        .await
        .expect(409)
        .problem("already-candidate");
    hall.nominates(8, naming(&ids[0]))
        .await
        .expect(409)
        .problem("already-candidate");
    // Two who name one at once name them once.
    let hall_of = std::sync::Arc::clone(&hall);
    let answers = all_at_once(2, |number| {
        let (hall, id) = (std::sync::Arc::clone(&hall_of), ids[8].clone());
        async move { hall.nominates(number + 1, naming(&id)).await }
    })
    .await;
    let mut statuses: Vec<u16> = answers.iter().map(Answer::status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    harness.assert_invariants().await;
}

async fn one_stands_from_publishing_until_voting_closes(database: TestDatabase) {
    let options = HarnessOptions {
        environment: vec![("PODIUM_AUTH__REQUIRE_VERIFIED_EMAIL", "true".to_owned())],
        ..HarnessOptions::default()
    };
    let harness = Harness::start_with(database, options).await;
    let organizer = harness.crowd(1).await.remove(0);
    give_only(&harness, &organizer, Permission::EventCreate);
    let event = harness.published_event(&organizer, 9).await;
    let mut hall = Hall {
        organizer,
        event,
        people: harness.crowd(4).await,
        attendees: Vec::new(),
        registrations: Vec::new(),
    };
    for person in &hall.people {
        let (registration, attendee) = harness.registered(person, event).await;
        hall.registrations.push(registration);
        hall.attendees.push(attendee);
    }
    hall.nominates(0, talk()).await.expect(409).problem("no-voting");
    let now = harness.clock().now();
    hall.set(json!({"voting_opens_at": now + TimeDelta::minutes(1), "voting_closes_at": now + TimeDelta::minutes(2)}))
        .await;
    // Before voting opens, too.
    let first = hall.nominates(0, talk()).await.expect(201).text_at("/id");
    listed(&hall.people[2]).await;
    let asked = hall
        .nominates(0, naming(&hall.attendees[2]))
        .await
        .expect(201)
        .text_at("/id");
    set_verified(&harness, &hall.people[1], false);
    let unproven = harness.log_in(&hall.people[1].email).await;
    let post = unproven.client.post(&hall.path("candidates")).json(talk());
    post.await.expect(403).problem("verify-email-first");
    let vote = unproven.client.put(&hall.path("vote"));
    let vote = vote.json(json!({"candidate_id": first})).await;
    vote.expect(403).problem("verify-email-first");
    set_verified(&harness, &hall.people[2], false);
    let unproven = harness.log_in(&hall.people[2].email).await;
    let accept = unproven
        .client
        .post(&hall.path(&format!("candidates/{asked}/accept")));
    accept.await.expect(403).problem("verify-email-first");
    set_verified(&harness, &hall.people[2], true);
    assert_eq!(harness.count("candidates WHERE status = 'listed'").await, 1);
    harness.clock().advance(TimeDelta::minutes(2));
    hall.nominates(3, talk())
        .await
        .expect(409)
        .problem("voting-closed");
    let candidate = |id: &str, rest: &str| hall.path(&format!("candidates/{id}{rest}"));
    let accept = hall.people[2].client.post(&candidate(&asked, "/accept"));
    accept.await.expect(409).problem("voting-closed");
    let reword = hall.people[0]
        .client
        .patch(&candidate(&first, ""))
        .json(json!({"talk_title": "Other"}));
    reword.await.expect(409).problem("voting-closed");
    // Giving up is possible still.
    hall.people[0]
        .client
        .delete(&candidate(&first, ""))
        .await
        .expect(204);
    hall.people[2]
        .client
        .delete(&candidate(&asked, ""))
        .await
        .expect(204);
    hall.organizer
        .client
        .post(&format!("/events/{event}/cancel"))
        .await
        .expect(200);
    hall.nominates(3, talk()).await.expect(403).problem("seat-needed");
    harness.assert_invariants().await;
}

async fn a_talk_is_reworded_by_who_gives_it_and_by_managers(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 2).await;
    let id = hall.stands(0).await;
    let path = hall.path(&format!("candidates/{id}"));
    let edit = async |client: &Client, body: Value| client.patch(&path).json(body).await;
    let before = harness.count("audit_log").await;
    let own = edit(&hall.people[0].client, json!({"talk_title": "Better"}))
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&own["talk_title"], &own["abstract"]),
        (&json!("Better"), &json!("What it is about."))
    );
    assert_eq!(harness.count("audit_log").await, before);
    edit(&hall.organizer.client, json!({"abstract": "Shorter"}))
        .await
        .expect(200);
    edit(&hall.organizer.client, json!({"abstract": "Shorter"}))
        .await
        .expect(200);
    let noted = format!(
        "audit_log WHERE action = 'candidate.edit' AND object_id = '{id}' AND actor_id = '{}'",
        hall.organizer.id
    );
    assert_eq!(harness.count(&noted).await, 1);
    assert_eq!(
        harness
            .count("audit_log WHERE CAST(changes AS TEXT) LIKE '%Shorter%'")
            .await,
        0
    );
    edit(&hall.people[1].client, json!({"abstract": "Mine"}))
        .await
        .expect(403)
        .problem("forbidden");
    for (body, pointer) in [
        (json!({"talk_title": null}), "/talk_title"),
        (json!({"talk_title": "  "}), "/talk_title"),
        (json!({"abstract": null}), "/abstract"),
        (json!({"talk_title": "two\nlines"}), "/talk_title"),
        (json!({"talk_title": "x".repeat(201)}), "/talk_title"),
        (json!({"abstract": "x".repeat(5_001)}), "/abstract"),
    ] {
        edit(&hall.people[0].client, body).await.invalid(&[pointer]);
    }
    hall.people[0].client.delete(&path).await.expect(204);
    edit(&hall.people[0].client, json!({"talk_title": "Again"}))
        .await
        .expect(409)
        .problem("wrong-state");
    // To others it is as if it had never been.
    edit(&hall.people[1].client, json!({"talk_title": "Again"}))
        .await
        .expect(404);
}

async fn a_candidacy_ends_as_who_ends_it_wants_and_may_begin_anew(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 4).await;
    for person in &hall.people {
        listed(person).await;
    }
    let declined = hall
        .nominates(0, naming(&hall.attendees[1]))
        .await
        .expect(201)
        .text_at("/id");
    let called_back = hall
        .nominates(0, naming(&hall.attendees[2]))
        .await
        .expect(201)
        .text_at("/id");
    let withdrawn = hall.stands(3).await;
    hall.votes(0, &withdrawn).await.expect(200);
    let end = async |client: &Client, id: &str| client.delete(&hall.path(&format!("candidates/{id}"))).await;
    // Of a nomination others know nothing; who was named says no; managers may, and that is noted.
    end(&hall.people[3].client, &declined).await.expect(404);
    end(&hall.people[1].client, &withdrawn).await.expect(403);
    end(&hall.people[1].client, &declined).await.expect(204);
    end(&hall.organizer.client, &called_back).await.expect(204);
    end(&hall.people[3].client, &withdrawn).await.expect(204);
    end(&hall.people[3].client, &withdrawn)
        .await
        .expect(409)
        .problem("wrong-state");
    for (status, id) in [
        ("declined", &declined),
        ("withdrawn", &called_back),
        ("withdrawn", &withdrawn),
    ] {
        let row = format!("candidates WHERE id = '{id}' AND status = '{status}' AND ended_at IS NOT NULL");
        assert_eq!(harness.count(&row).await, 1, "{status}");
    }
    assert_eq!(hall.count_votes(&harness).await, 0);
    assert_eq!(
        harness
            .count("audit_log WHERE action = 'candidate.withdraw'")
            .await,
        1
    );
    assert_eq!(
        hall.candidates(&hall.organizer.client, "?status=withdrawn")
            .await
            .len(),
        2
    );
    assert!(
        hall.candidates(&hall.people[3].client, "?status=withdrawn")
            .await
            .is_empty()
    );
    assert!(hall.candidates(&hall.organizer.client, "").await.is_empty());
    let again = hall.stands(3).await;
    hall.votes(0, &again).await.expect(200);
    harness.assert_invariants().await;
}

async fn candidates_are_shuffled_for_each_and_pages_hide_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 14).await;
    for who in 0..12 {
        hall.stands(who).await;
    }
    let order = async |client: &Client, limit: usize| -> Vec<String> {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client
                .get(&hall.path(&format!("candidates?include_total=true&limit={limit}{cursor}")))
                .await
                .expect(200);
            assert_eq!(page.json()["total"], 12);
            seen.extend(
                page.items()
                    .iter()
                    .map(|one| one["id"].as_str().expect("an id").to_owned()),
            );
            match page.json()["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return seen,
            }
        }
    };
    let mut orders = BTreeSet::new();
    for person in &hall.people[10..] {
        let whole = order(&person.client, 100).await;
        assert_eq!(order(&person.client, 5).await, whole);
        assert_eq!(whole.iter().collect::<BTreeSet<_>>().len(), 12);
        orders.insert(whole);
    }
    assert_eq!(orders.len(), 4, "each has an order of their own");
    let stranger = harness.attendee("stranger").await;
    let list = stranger.client.get(&hall.path("candidates?limit=0")).await;
    list.expect(403).problem("seat-needed");
    let bad = hall.people[0]
        .client
        .get(&hall.path("candidates?status=nonsense"))
        .await;
    bad.expect(400);
}

async fn what_does_not_fit_is_refused(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let hall = Hall::open(&harness, 1).await;
    for (field, value) in [
        ("talk_title", json!("")),
        ("talk_title", json!("x".repeat(201))),
        ("talk_title", json!("a\tb")),
        ("abstract", json!(" ")),
        ("abstract", json!("x".repeat(5_001))),
        ("abstract", json!("a\u{7}b")),
        ("attendee_id", json!("nonsense")),
    ] {
        let mut body = talk();
        body[field] = value;
        hall.nominates(0, body).await.invalid(&[&format!("/{field}")]);
    }
    let longest = json!({"talk_title": "ä".repeat(200), "abstract": "ö".repeat(5_000)});
    hall.nominates(0, longest).await.expect(201);
}
