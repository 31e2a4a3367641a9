//! The audit log: what leaves a row, what does not, how it is read, and that nothing takes it back.

use crate::support::{give_only, give_role, sql};
use chrono::TimeDelta;
use kernel::{Clock, Permission};
use serde_json::{Value, json};
use testkit::harness::PASSWORD;
use testkit::{Answer, Client, Harness, Kind, TestDatabase, on_both_databases};

on_both_databases! {
    every_action_of_an_administrator_leaves_a_row_that_names_nobody,
    every_action_of_a_manager_leaves_a_row,
    what_was_refused_leaves_no_row,
    the_log_is_filtered_and_paged_the_newest_first,
    nothing_changes_replaces_or_removes_a_row,
}

async fn newest(admin: &Client) -> Value {
    let page = admin.get("/admin/audit-log?limit=1").await.expect(200);
    page.items().pop().expect("a row")
}

/// Asserts that the newest row is of this action in the request that was answered so.
async fn assert_noted(admin: &Client, answer: &Answer, action: &str, object: &str, changes: Value) -> Value {
    let row = newest(admin).await;
    assert_eq!(row["action"], action, "{answer}");
    assert_eq!(
        (&row["object_id"], &row["changes"]),
        (&json!(object), &changes),
        "{row}"
    );
    assert_eq!(row["request_id"].as_str(), answer.header("x-request-id"), "{row}");
    row
}

async fn every_action_of_an_administrator_leaves_a_row_that_names_nobody(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = harness.admin().await;
    let admin = boss.client.clone();
    let role =
        json!({"name": "desk", "description": "Secret words", "permissions": ["checkin:scan", "audit:read"]});
    let made = admin.post("/admin/roles").json(role).await.expect(201);
    let row = assert_noted(
        &admin,
        &made,
        "role.create",
        "desk",
        json!({"permissions": "checkin:scan,audit:read"}),
    )
    .await;
    assert_eq!(
        (&row["object_type"], &row["actor_id"]),
        (&json!("role"), &json!(boss.id.to_string()))
    );
    assert_eq!(row["at"], json!(harness.clock().now()));
    let change = json!({"permissions": ["audit:read", "job:manage"], "description": "Other words"});
    let edited = admin.patch("/admin/roles/desk").json(change).await.expect(200);
    let changes =
        json!({"fields": "description,permissions", "added": "job:manage", "removed": "checkin:scan"});
    assert_noted(&admin, &edited, "role.edit", "desk", changes).await;

    let form = json!({"email": "asha.secret@example.org", "name": "Asha Secret", "phone": "+919812345678",
        "password": PASSWORD, "roles": ["desk", "attendee"]});
    let made = admin.post("/admin/users").json(form).await.expect(201);
    let id = made.text_at("/id");
    let changes = json!({"roles": "attendee,desk", "invited": "false"});
    let row = assert_noted(&admin, &made, "user.create", &id, changes).await;
    assert_eq!(row["object_type"], "user");
    let path = format!("/admin/users/{id}");
    let change = json!({"name": "Bela Secret", "bio": "Secret", "phone": null, "listed": false});
    let edited = admin.patch(&path).json(change).await.expect(200);
    assert_noted(
        &admin,
        &edited,
        "user.edit",
        &id,
        json!({"fields": "name,phone,bio"}),
    )
    .await;
    harness.log_in("asha.secret@example.org").await;
    let suspended = admin
        .patch(&path)
        .json(json!({"status": "suspended"}))
        .await
        .expect(200);
    assert_noted(
        &admin,
        &suspended,
        "user.suspend",
        &id,
        json!({"sessions_ended": "1"}),
    )
    .await;
    let active = admin
        .patch(&path)
        .json(json!({"status": "active"}))
        .await
        .expect(200);
    assert_noted(&admin, &active, "user.reactivate", &id, json!({})).await;
    let given = admin
        .put(&format!("{path}/roles"))
        .json(json!({"roles": ["organizer", "desk"]}));
    let given = given.await.expect(200);
    let changes = json!({"added": "organizer", "removed": "attendee"});
    assert_noted(&admin, &given, "user.roles", &id, changes).await;
    let deleted = admin
        .delete("/admin/roles/desk?move_to=attendee")
        .await
        .expect(204);
    let changes = json!({"holders": "1", "moved_to": "attendee"});
    assert_noted(&admin, &deleted, "role.delete", "desk", changes).await;

    // Two changes in one request leave two rows.
    let before = harness.count("audit_log").await;
    let both = json!({"status": "suspended", "name": "Secret Again"});
    admin.patch(&path).json(both).await.expect(200);
    assert_eq!(harness.count("audit_log").await, before + 2);
    let whole = admin.get("/admin/audit-log?limit=100").await.expect(200).text();
    for personal in ["Secret", "secret", "98123", "words", "Again"] {
        assert!(!whole.contains(personal), "{personal}: {whole}");
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "one action after the other, to be read as a list"
)]
async fn every_action_of_a_manager_leaves_a_row(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let (admin, organizer) = (harness.admin().await.client, harness.organizer().await);
    let manager = organizer.client.clone();
    let draft = manager
        .post("/events")
        .json(harness.event_fields(1))
        .await
        .expect(201);
    let id = draft.text_at("/id");
    let row = assert_noted(&admin, &draft, "event.create", &id, json!({})).await;
    assert_eq!(
        (&row["actor_id"], &row["object_type"]),
        (&json!(organizer.id.to_string()), &json!("event"))
    );
    let path = format!("/events/{id}");
    let published = manager.post(&format!("{path}/publish")).await.expect(200);
    assert_noted(&admin, &published, "event.publish", &id, json!({})).await;
    let change = json!({"title": "Secret title", "agenda": "Secret"});
    let edited = manager.patch(&path).json(change).await.expect(200);
    assert_noted(
        &admin,
        &edited,
        "event.edit",
        &id,
        json!({"fields": "title,agenda"}),
    )
    .await;

    let guest = |name: &str| {
        let body = json!({"attendee": {"name": name, "email": format!("{name}@example.org")}});
        manager.post(&format!("{path}/registrations")).json(body)
    };
    let registered = guest("anna").await.expect(201);
    let attendee = registered.text_at("/registration/attendee_id");
    assert_noted(
        &admin,
        &registered,
        "registration.create",
        &id,
        json!({"attendee_id": attendee}),
    )
    .await;
    guest("bela").await.expect(202);
    let waits = guest("cyril").await.expect(202);
    let entry = waits.text_at("/waitlist_entry/id");
    let place = format!("{path}/waitlist/{entry}");
    let moved = manager
        .patch(&place)
        .json(json!({"position": 1, "reason": "because"}))
        .await
        .expect(200);
    let row = assert_noted(&admin, &moved, "waitlist.move", &entry, json!({"position": "1"})).await;
    assert_eq!(
        (&row["reason"], &row["object_type"]),
        (&Value::Null, &json!("waitlist_entry"))
    );
    let removed = manager
        .delete(&place)
        .json(json!({"reason": "again"}))
        .await
        .expect(204);
    let row = assert_noted(&admin, &removed, "waitlist.remove", &entry, json!({})).await;
    // Why is in the entry's own log, which goes with the person.
    assert_eq!(row["reason"], Value::Null);
    let registration = registered.text_at("/registration/id");
    let cancelled = manager
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    assert_noted(
        &admin,
        &cancelled,
        "registration.cancel",
        &registration,
        json!({}),
    )
    .await;
    let called_off = manager
        .post(&format!("{path}/cancel"))
        .json(json!({"reason": "rain"}))
        .await
        .expect(200);
    let row = assert_noted(&admin, &called_off, "event.cancel", &id, json!({"told": "1"})).await;
    assert_eq!(row["reason"], "rain");
    let deleted = manager.delete(&path).await.expect(204);
    let row = newest(&admin).await;
    assert_eq!(
        (&row["action"], &row["object_id"]),
        (&json!("event.delete"), &json!(id)),
        "{deleted}"
    );
    // What people do with their own seats is nothing of the log's.
    let event = harness.published_event(&organizer, 1).await;
    let before = harness.count("audit_log").await;
    let asha = harness.attendee("asha").await;
    let (registration, _) = harness.registered(&asha, event).await;
    asha.client
        .delete(&format!("/registrations/{registration}"))
        .await
        .expect(200);
    asha.client
        .patch("/users/me")
        .json(json!({"bio": "Words"}))
        .await
        .expect(200);
    assert_eq!(harness.count("audit_log").await, before);
}

async fn what_was_refused_leaves_no_row(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = harness.admin().await;
    let (asha, organizer) = (harness.attendee("asha").await, harness.organizer().await);
    let clerk = harness.attendee("clerk").await;
    give_role(&harness, &clerk, "clerk", &["user:manage", "role:manage"]);
    let event = harness.published_event(&organizer, 1).await;
    let before = harness.count("audit_log").await;
    let (boss_path, asha_path) = (
        format!("/admin/users/{}", boss.id),
        format!("/admin/users/{}", asha.id),
    );
    let clerk = clerk.client;
    let name = json!({"name": "Other"});
    clerk.patch(&boss_path).json(name.clone()).await.expect(403);
    clerk
        .put(&format!("{asha_path}/roles"))
        .json(json!({"roles": ["admin"]}))
        .await
        .expect(403);
    clerk
        .patch("/admin/roles/organizer")
        .json(json!({"permissions": []}))
        .await
        .expect(403);
    boss.client
        .patch(&boss_path)
        .json(json!({"status": "suspended"}))
        .await
        .expect(409);
    boss.client
        .patch(&asha_path)
        .json(json!({"phone": "x", "status": "suspended"}))
        .await
        .expect(422);
    boss.client.delete("/admin/roles/clerk").await.expect(409);
    let taken = json!({"email": asha.email, "name": "Other"});
    boss.client.post("/admin/users").json(taken).await.expect(409);
    asha.client.patch(&boss_path).json(name).await.expect(403);
    asha.client
        .patch(&format!("/events/{event}"))
        .json(json!({"title": "Mine"}))
        .await
        .expect(403);
    asha.client
        .post(&format!("/events/{event}/cancel"))
        .await
        .expect(403);
    organizer
        .client
        .patch(&format!("/events/{event}"))
        .json(json!({"capacity": 0}))
        .await
        .expect(422);
    organizer
        .client
        .post(&format!("/events/{event}/publish"))
        .await
        .expect(409);
    assert_eq!(harness.count("audit_log").await, before);
}

async fn the_log_is_filtered_and_paged_the_newest_first(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let boss = harness.admin().await;
    let auditor = harness.attendee("auditor").await;
    give_only(&harness, &auditor, Permission::AuditRead);
    let auditor = auditor.client;
    let start = harness.clock().now();
    for number in 0..5 {
        harness.clock().advance(TimeDelta::seconds(1));
        // Two rows at one instant: the ids decide between them.
        for twin in ["a", "b"] {
            let role = json!({"name": format!("role-{number}-{twin}"), "permissions": []});
            boss.client.post("/admin/roles").json(role).await.expect(201);
        }
    }
    let organizer = harness.organizer().await;
    let event = harness.published_event(&organizer, 1).await;
    let rows = async |query: &str| {
        let page = auditor.get(&format!("/admin/audit-log?limit=100&{query}")).await;
        page.expect(200).items()
    };
    let objects = |rows: &[Value]| -> Vec<String> {
        rows.iter()
            .map(|row| row["object_id"].as_str().expect("an id").to_owned())
            .collect()
    };
    let all = rows("").await;
    // The admin's own account, ten roles, an event made and published.
    assert_eq!(all.len(), 13);
    let newest_first = all
        .windows(2)
        .all(|pair| pair[0]["id"].as_str() > pair[1]["id"].as_str());
    assert!(newest_first, "{all:?}");
    assert_eq!(all[12]["actor_id"], Value::Null, "the operator has no account");

    let mut paged = Vec::new();
    let mut query = String::from("limit=3&include_total=true");
    loop {
        let page = auditor
            .get(&format!("/admin/audit-log?{query}"))
            .await
            .expect(200);
        assert_eq!(page.json()["total"], 13);
        paged.extend(page.items());
        match page.json()["next_cursor"].as_str() {
            Some(cursor) => query = format!("limit=3&include_total=true&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, all);

    assert_eq!(rows(&format!("actor_id={}", boss.id)).await.len(), 10);
    assert_eq!(
        rows(&format!("actor_id={}&action=event.create", organizer.id))
            .await
            .len(),
        1
    );
    assert_eq!(
        objects(&rows("object_type=role&object_id=role-2-b").await),
        ["role-2-b"]
    );
    assert_eq!(rows(&format!("object_id={event}")).await.len(), 2);
    assert_eq!(rows("action=role.create").await.len(), 10);
    assert_eq!(rows("action=role.destroy").await.len(), 0);
    assert_eq!(rows("object_type=event&action=role.create").await.len(), 0);
    // Both ends belong to it.
    let at = |seconds: i64| {
        (start + TimeDelta::seconds(seconds)).to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    };
    let some = rows(&format!("from={}&to={}&object_type=role", at(2), at(3))).await;
    assert_eq!(objects(&some), ["role-2-b", "role-2-a", "role-1-b", "role-1-a"]);
    assert_eq!(rows(&format!("from={}", at(6))).await.len(), 0);
    assert_eq!(rows(&format!("to={}", at(-1))).await.len(), 0);
    assert_eq!(
        rows("from=0001-01-01T00:00:00Z&to=9999-12-31T23:59:59Z")
            .await
            .len(),
        13
    );
    for far in ["%2B262000-01-01T00:00:00Z", "-9999-01-01T00:00:00Z"] {
        for name in ["from", "to"] {
            auditor
                .get(&format!("/admin/audit-log?{name}={far}"))
                .await
                .expect(200);
        }
    }
    for query in [
        "actor_id=x",
        "from=yesterday",
        "to=2030-01-01",
        "user_id=1",
        "action=a&action=b",
    ] {
        let answer = auditor.get(&format!("/admin/audit-log?{query}")).await;
        answer.expect(400).problem("bad-query");
    }
}

async fn nothing_changes_replaces_or_removes_a_row(database: TestDatabase) {
    let harness = Harness::start(database).await;
    let admin = harness.admin().await.client;
    let body = json!({"name": "desk", "permissions": []});
    admin.post("/admin/roles").json(body).await.expect(201);
    let before = admin.get("/admin/audit-log").await.expect(200).items();
    let id = before[0]["id"].as_str().expect("an id");
    let values = format!("('{id}', '2030-01-01T00:00:00.000000Z', NULL, 'x', 'x', 'x', '{{}}', NULL, 'x')");
    let mut statements = vec![
        "UPDATE audit_log SET action = 'nothing'".to_owned(),
        format!("UPDATE audit_log SET actor_id = NULL WHERE id = '{id}'"),
        "DELETE FROM audit_log".to_owned(),
        format!("DELETE FROM audit_log WHERE id = '{id}'"),
    ];
    statements.push(match harness.database().kind() {
        Kind::Sqlite => format!("INSERT OR REPLACE INTO audit_log VALUES {values}"),
        Kind::Postgres => "TRUNCATE audit_log".to_owned(),
    });
    for statement in statements {
        let refused = harness.database().connect().execute_batch(&statement);
        let error = refused.expect_err(&statement).to_string();
        assert!(error.contains("append only"), "{statement}: {error}");
    }
    assert_eq!(admin.get("/admin/audit-log").await.expect(200).items(), before);
    // The log outlives what it tells of.
    admin.delete("/admin/roles/desk").await.expect(204);
    sql(&harness, "DELETE FROM sessions");
    assert_eq!(harness.count("audit_log").await, 3);
}
