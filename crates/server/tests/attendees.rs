//! Attendees: who notes them, who sees them and who changes them.

use crate::support::{confirm_email, give_role, sql};
use kernel::EventId;
use serde_json::{Value, json};
use testkit::{Answer, Client, Harness, Person, TestDatabase, on_both_databases};

on_both_databases! {
    an_organizer_notes_reads_changes_and_removes_somebody,
    an_organizer_sees_those_of_their_events_and_no_others,
    a_manager_of_the_staff_sees_and_changes_what_is_theirs_alone,
    whoever_may_no_longer_create_events_runs_none,
    noting_an_address_tells_nothing_of_whose_it_is,
    what_others_noted_stays_as_it_is,
    an_account_decides_what_it_is_called,
    a_phone_is_shown_to_who_noted_it,
    nobody_sees_who_was_forgotten,
    every_change_is_in_the_audit_log_without_what_it_holds,
}

pub const NEW: &str = "guest@example.org";

pub fn note(name: &str, email: &str) -> Value {
    json!({"name": name, "email": email})
}

/// Notes somebody; gives the id.
pub async fn noted(person: &Person, name: &str, email: &str) -> String {
    let answer = person.client.post("/attendees").json(note(name, email)).await;
    answer.expect(201).text_at("/id")
}

/// Registers somebody by name and address; gives the attendee.
pub async fn registers(person: &Person, event: EventId, email: &str) -> String {
    let form = json!({"attendee": note("Registered", email)});
    let path = format!("/events/{event}/registrations");
    let answer = person.client.post(&path).json(form).await.expect(201);
    answer.text_at("/registration/attendee_id")
}

pub async fn registers_attendee(person: &Person, event: EventId, id: &str) -> Answer {
    let path = format!("/events/{event}/registrations");
    person.client.post(&path).json(json!({"attendee_id": id})).await
}

fn ids(list: &Answer) -> Vec<String> {
    let items = list.items();
    let ids = items.iter().filter_map(|item| item["id"].as_str());
    ids.map(str::to_owned).collect()
}

async fn listed(client: &Client) -> Vec<String> {
    let list = client
        .get("/attendees?limit=100&include_total=true")
        .await
        .expect(200);
    let ids = ids(&list);
    assert_eq!(list.json()["total"], ids.len());
    ids
}

pub fn attendee(id: &str) -> String {
    format!("/attendees/{id}")
}

fn staff(harness: &Harness, event: EventId, person: &Person, role: &str) {
    sql(
        harness,
        &format!(
            "INSERT INTO event_staff (event_id, user_id, role, added_at)
             VALUES ('{event}', '{}', '{role}', (SELECT created_at FROM events WHERE id = '{event}'))",
            person.id
        ),
    );
}

async fn an_organizer_notes_reads_changes_and_removes_somebody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let organizer = harness.organizer().await;
    let form = json!({"name": "Guest", "email": "Guest@Example.org", "phone": "+919812345678"});
    let made = organizer.client.post("/attendees").json(form).await.expect(201);
    let id = made.text_at("/id");
    assert_eq!(
        made.header("location"),
        Some(format!("/api/v1/attendees/{id}").as_str())
    );
    let read = organizer.client.get(&attendee(&id)).await.expect(200).json();
    assert_eq!(read, made.json());
    assert_eq!(read["email"], "Guest@example.org");
    let change = json!({"name": "Other", "email": "other@example.org", "phone": null});
    let changed = organizer
        .client
        .patch(&attendee(&id))
        .json(change)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&changed["name"], &changed["email"], &changed["phone"]),
        (&json!("Other"), &json!("other@example.org"), &Value::Null)
    );
    assert_eq!(
        organizer.client.get(&attendee(&id)).await.expect(200).json(),
        changed
    );
    for (change, pointer) in [
        (json!({"name": null}), "/name"),
        (json!({"email": null}), "/email"),
        (json!({"email": "no address"}), "/email"),
        (json!({"phone": "12"}), "/phone"),
        (json!({"name": "a\u{7}"}), "/name"),
    ] {
        let refused = organizer
            .client
            .patch(&attendee(&id))
            .json(change)
            .await
            .expect(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    organizer.client.delete(&attendee(&id)).await.expect(204);
    organizer.client.get(&attendee(&id)).await.expect(404);
    organizer.client.delete(&attendee(&id)).await.expect(404);
    assert_eq!(harness.count("attendee_words").await, 0);
}

async fn an_organizer_sees_those_of_their_events_and_no_others(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other, admin) = (
        harness.organizer().await,
        harness.organizer().await,
        harness.admin().await,
    );
    let event = harness.published_event(&one, 1).await;
    let asha = harness.attendee("asha").await;
    let (_, asha_id) = harness.registered(&asha, event).await;
    let bo = harness.attendee("bo").await;
    let path = format!("/events/{event}/registrations");
    let bo_id = bo
        .client
        .post(&path)
        .await
        .expect(202)
        .text_at("/waitlist_entry/attendee_id");
    let guest = noted(&one, "Guest", NEW).await;
    let mut expected = vec![asha_id.to_string(), bo_id.clone(), guest.clone()];
    expected.sort();
    expected.reverse();
    assert_eq!(listed(&one.client).await, expected);
    assert_eq!(listed(&admin.client).await, expected);
    assert!(listed(&other.client).await.is_empty());
    for id in &expected {
        one.client.get(&attendee(id)).await.expect(200);
        other.client.get(&attendee(id)).await.expect(404);
        other.client.delete(&attendee(id)).await.expect(404);
        let change = other.client.patch(&attendee(id)).json(json!({"name": "Mine"}));
        change.await.expect(404);
    }
    // Whoever left is still seen: they are in the list of the event too.
    let left = asha.client.get("/users/me/registrations").await.items();
    let left = left[0]["id"].as_str().expect("an id").to_owned();
    asha.client
        .delete(&format!("/registrations/{left}"))
        .await
        .expect(200);
    assert_eq!(listed(&one.client).await, expected);
    for query in ["q=asha", "name=SHA", "email=asha-", "q=asha&name=a&email=a"] {
        let path = format!("/attendees?{query}");
        assert_eq!(
            ids(&one.client.get(&path).await.expect(200)),
            [asha_id.to_string()],
            "{query}"
        );
        assert!(
            ids(&other.client.get(&path).await.expect(200)).is_empty(),
            "{query}"
        );
    }
    asha.client
        .get("/attendees")
        .await
        .expect(403)
        .problem("forbidden");
    asha.client
        .get(&attendee(&guest))
        .await
        .expect(403)
        .problem("forbidden");
}

async fn a_manager_of_the_staff_sees_and_changes_what_is_theirs_alone(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (owner, helper, scanner) = (
        harness.organizer().await,
        harness.organizer().await,
        harness.organizer().await,
    );
    let event = harness.published_event(&owner, 9).await;
    staff(&harness, event, &helper, "manager");
    staff(&harness, event, &scanner, "scanner");
    let of_owner = registers(&owner, event, "owners@example.org").await;
    let of_helper = registers(&helper, event, "helpers@example.org").await;
    assert_eq!(
        listed(&helper.client).await,
        [of_helper.clone(), of_owner.clone()]
    );
    assert!(listed(&scanner.client).await.is_empty());
    scanner.client.get(&attendee(&of_owner)).await.expect(404);
    let rename = json!({"name": "Renamed"});
    helper
        .client
        .patch(&attendee(&of_helper))
        .json(rename.clone())
        .await
        .expect(200);
    helper
        .client
        .patch(&attendee(&of_owner))
        .json(rename.clone())
        .await
        .expect(403);
    owner.client.delete(&attendee(&of_helper)).await.expect(403);
    let path = format!("/events/{event}/registrations?q=renamed");
    assert_eq!(helper.client.get(&path).await.expect(200).items().len(), 1);
    // The staff of yesterday runs nothing, and what they noted is at an event of others.
    sql(&harness, "DELETE FROM event_staff");
    assert_eq!(listed(&helper.client).await, std::slice::from_ref(&of_helper));
    helper
        .client
        .patch(&attendee(&of_helper))
        .json(rename)
        .await
        .expect(403);
    helper.client.delete(&attendee(&of_helper)).await.expect(403);
}

async fn whoever_may_no_longer_create_events_runs_none(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let owner = harness.organizer().await;
    let event = harness.published_event(&owner, 9).await;
    let guest = registers(&owner, event, NEW).await;
    let asha = harness.attendee("asha").await;
    harness.registered(&asha, event).await;
    give_role(&harness, &owner, "reader", &["attendee:read", "attendee:write"]);
    let owner = harness.log_in(&owner.email).await;
    assert_eq!(listed(&owner.client).await, std::slice::from_ref(&guest));
    owner.client.delete(&attendee(&guest)).await.expect(403);
}

async fn noting_an_address_tells_nothing_of_whose_it_is(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other) = (harness.organizer().await, harness.organizer().await);
    let event = harness.published_event(&one, 9).await;
    // One with an account alone, one who takes part elsewhere, a guest of others, nobody.
    let account = harness.crowd(2).await;
    harness.registered(&account[1], event).await;
    registers(&one, event, "others@example.org").await;
    let addresses = [&account[0].email, &account[1].email, "others@example.org", NEW];
    for email in addresses {
        let answer = other
            .client
            .post("/attendees")
            .json(note("As sent", email))
            .await
            .expect(201);
        let body = answer.json();
        assert_eq!(
            (&body["name"], &body["email"]),
            (&json!("As sent"), &json!(email))
        );
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(4));
    }
    // An account by itself is like nobody: what was noted is shown as it was sent.
    for email in [&account[0].email, NEW] {
        let found = other
            .client
            .get(&format!("/attendees?q={email}"))
            .await
            .expect(200)
            .items();
        assert_eq!(found[0]["name"], "As sent");
    }
    assert_eq!(listed(&other.client).await.len(), 2);
    // When the person takes part it is theirs, and what was noted of it is over.
    harness.registered(&account[0], event).await;
    harness.assert_invariants().await;
}

async fn what_others_noted_stays_as_it_is(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other) = (harness.organizer().await, harness.organizer().await);
    let id = noted(&one, "First", NEW).await;
    let form = json!({"name": "Second", "email": "GUEST@example.org", "phone": "+919812345678"});
    let again = other.client.post("/attendees").json(form).await.expect(201);
    assert_eq!(again.text_at("/id"), id);
    other.client.get(&attendee(&id)).await.expect(404);
    other
        .client
        .patch(&attendee(&id))
        .json(json!({"name": "Second"}))
        .await
        .expect(404);
    other.client.delete(&attendee(&id)).await.expect(404);
    let event = harness.published_event(&other, 9).await;
    registers_attendee(&other, event, &id).await.expect(404);
    let read = one.client.get(&attendee(&id)).await.expect(200).json();
    assert_eq!((&read["name"], &read["phone"]), (&json!("First"), &Value::Null));
}

async fn an_account_decides_what_it_is_called(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let asha = harness.attendee("asha").await;
    let id = noted(&organizer, "Noted", &asha.email).await;
    let token = harness.mailed_secrets(&asha.email).await.token;
    confirm_email(&harness, json!({"token": token})).await.expect(204);
    for change in [
        json!({"name": "Other"}),
        json!({"email": NEW}),
        json!({"name": "O", "phone": null}),
    ] {
        let refused = admin
            .client
            .patch(&attendee(&id))
            .json(change.clone())
            .await
            .expect(409);
        refused.problem("attendee-has-account");
        organizer
            .client
            .patch(&attendee(&id))
            .json(change)
            .await
            .expect(403);
    }
    let phone = json!({"phone": "+919812345678"});
    admin.client.patch(&attendee(&id)).json(phone).await.expect(200);
    organizer.client.delete(&attendee(&id)).await.expect(403);
    // Renamed there, found here by the new name and not by the old one.
    asha.client
        .patch("/users/me")
        .json(json!({"name": "Bhavna"}))
        .await
        .expect(200);
    assert_eq!(ids(&admin.client.get("/attendees?q=bhav").await).len(), 1);
    assert!(ids(&admin.client.get("/attendees?q=noted").await).is_empty());
    harness.assert_invariants().await;
}

async fn a_phone_is_shown_to_who_noted_it(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (one, other, admin) = (
        harness.organizer().await,
        harness.organizer().await,
        harness.admin().await,
    );
    let event = harness.published_event(&other, 9).await;
    let form = json!({"name": "Guest", "email": NEW, "phone": "+919812345678"});
    let id = one
        .client
        .post("/attendees")
        .json(form)
        .await
        .expect(201)
        .text_at("/id");
    registers(&other, event, NEW).await;
    let phone =
        async |person: &Person| person.client.get(&attendee(&id)).await.expect(200).json()["phone"].clone();
    assert_eq!(phone(&one).await, "+919812345678");
    assert_eq!(phone(&admin).await, "+919812345678");
    assert_eq!(phone(&other).await, Value::Null);
}

async fn nobody_sees_who_was_forgotten(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let event = harness.published_event(&organizer, 9).await;
    let asha = harness.attendee("asha").await;
    harness.registered(&asha, event).await;
    let path = format!("/events/{event}/registrations");
    let seat = asha.client.get("/users/me/registrations").await.items()[0]["id"].clone();
    let seat = seat.as_str().expect("an id").to_owned();
    asha.client
        .delete(&format!("/registrations/{seat}"))
        .await
        .expect(200);
    admin
        .client
        .delete(&format!("/admin/users/{}", asha.id))
        .await
        .expect(204);
    let nobody = organizer.client.get(&path).await.expect(200).items()[0]["attendee_id"].clone();
    let nobody = nobody.as_str().expect("an id").to_owned();
    for person in [&organizer, &admin] {
        assert!(listed(&person.client).await.is_empty());
        person.client.get(&attendee(&nobody)).await.expect(404);
        person.client.delete(&attendee(&nobody)).await.expect(404);
        let rename = person
            .client
            .patch(&attendee(&nobody))
            .json(json!({"name": "Somebody"}));
        rename.await.expect(404);
        assert!(ids(&person.client.get("/attendees?q=erased").await.expect(200)).is_empty());
    }
    assert_eq!(harness.count("attendee_words").await, 0);
}

async fn every_change_is_in_the_audit_log_without_what_it_holds(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (organizer, admin) = (harness.organizer().await, harness.admin().await);
    let id = noted(&organizer, "Unmistakable", "unmistakable@example.org").await;
    let change = json!({"name": "Singular", "email": "singular@example.org"});
    organizer
        .client
        .patch(&attendee(&id))
        .json(change)
        .await
        .expect(200);
    organizer.client.delete(&attendee(&id)).await.expect(204);
    let log = admin
        .client
        .get(&format!("/admin/audit-log?object_id={id}"))
        .await
        .expect(200);
    let mut actions: Vec<(String, Value)> = log
        .items()
        .iter()
        .map(|row| {
            (
                row["action"].as_str().unwrap_or_default().to_owned(),
                row["changes"].clone(),
            )
        })
        .collect();
    actions.sort_by(|one, other| one.0.cmp(&other.0));
    let names: Vec<&str> = actions.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(
        names,
        [
            "attendee.create",
            "attendee.delete",
            "attendee.edit",
            "attendee.readdress"
        ]
    );
    assert_eq!(actions[2].1["fields"], "name,email");
    let text = log.text().to_lowercase();
    assert!(!text.contains("unmistakable") && !text.contains("singular"));
}
